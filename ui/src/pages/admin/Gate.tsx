import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';

import { type Me, useMe } from '../../api/me';
import { status } from '../../api/status';
import { useT } from '../../i18n';
import { LinkTabs } from '../../ui/LinkTabs';
import { Empty, Failed, Loading, Page, signInURL } from '../../ui/parts';

const m = {
  label: { en: 'Administration', zh: '系统管理' },
  profile: { en: 'Yourself', zh: '个人' },
  users: { en: 'Users', zh: '用户' },
  tokens: { en: 'Tokens', zh: '令牌' },
  sessions: { en: 'Sessions', zh: '会话' },
  audit: { en: 'Audit log', zh: '审计日志' },
  adminOnly: { en: 'Only administrators see this', zh: '仅管理员可查看' },
  asAnonymous: { en: 'Sign in as an administrator.', zh: '请以管理员身份登录。' },
  asOther: { en: 'You are {name} and may: {may}. An administrator can change that.', zh: '当前身份为 {name}，权限：{may}。管理员可以调整。' },
  signIn: { en: 'Sign in', zh: '登录' },
  first: { en: 'There is no user yet. Make the first administrator by a link, on the server:', zh: '尚无用户。在服务器上通过链接创建首位管理员：' },
  byToken: { en: 'Programs show the token in {file}, which may do everything.', zh: '程序可使用 {file} 中的令牌，该令牌拥有全部权限。' },
};

/** useWho is who looks at the page, or what is shown until that is known. */
export function useWho(): { who: Me | undefined; waiting: ReactNode } {
  const { me, error, retry } = useMe();
  return { who: me, waiting: me ? null : error ? <Failed error={error} retry={retry} /> : <Loading height={240} /> };
}

/** AdminTabs leads among the pages of administration; what somebody may not see is not among them. */
export function AdminTabs({ at }: { at: string }): ReactNode {
  const t = useT();
  const { may } = useMe();
  const tabs = [{ to: '/admin', label: t(m.profile) }];
  if (may('admin')) {
    tabs.push({ to: '/admin/users', label: t(m.users) }, { to: '/admin/tokens', label: t(m.tokens) }, { to: '/admin/sessions', label: t(m.sessions) }, { to: '/admin/audit', label: t(m.audit) });
  }
  return <LinkTabs label={t(m.label)} at={at} tabs={tabs} />;
}

/** HowToSignIn says how somebody becomes a user of this server. */
export function HowToSignIn(): ReactNode {
  const t = useT();
  const { data } = useQuery({ queryKey: ['status'], queryFn: ({ signal }) => status(signal) });
  return (
    <>
      {data && !data.access.users ? <><div>{t(m.first)}</div><code>touchline users link</code></> : <Button component="a" href={signInURL()}>{t(m.signIn)}</Button>}
      {data?.token_file && <div className="muted">{t(m.byToken, { file: data.token_file })}</div>}
    </>
  );
}

/** Gate lets administrators through, and tells others what they need. */
export function Gate({ title, at, children }: { title: string; at: string; children: () => ReactNode }): ReactNode {
  const t = useT();
  const { who: me, waiting } = useWho();
  if (!me) return <Page title={title}>{waiting}</Page>;
  if (me.may.includes('admin')) return children();
  return (
    <Page title={title} sentence={`${t(m.adminOnly)}.`.replace('看.', '看。')}>
      <AdminTabs at={at} />
      <Empty title={t(m.adminOnly)}>
        {me.method === 'anonymous' ? <><div>{t(m.asAnonymous)}</div><HowToSignIn /></> : <div>{t(m.asOther, { name: me.name, may: me.may.join(', ') })}</div>}
      </Empty>
    </Page>
  );
}
