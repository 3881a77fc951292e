import { Button, PasswordInput, Select, TextInput } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';

import { changeMe, changeMyPassword, sessions } from '../../api/accounts';
import { ApiError } from '../../api/client';
import type { Access, Me } from '../../api/me';
import { type Message, setLanguage, useT } from '../../i18n';
import { useSaid } from '../../i18n/useSaid';
import { Card, Empty, Failed, Loading, Notice, Page, signInURL, StateMark } from '../../ui/parts';
import { AdminTabs, HowToSignIn, useWho } from './Gate';
import { OwnTokens } from './OwnTokens';
import { SessionTable } from './Sessions';
import { fieldError } from './UserForms';

const m = {
  title: { en: 'Administration', zh: '系统管理' },
  anonymous: { en: 'You are not signed in and may: {may}.', zh: '您尚未登录，当前权限：{may}。' },
  you: { en: 'You are {name}, by {method}, and may: {may}.', zh: '当前身份为 {name}（{method}），权限：{may}。' },
  nothing: { en: 'nothing', zh: '无' },
  rights: { en: 'What you may do', zh: '您的权限' },
  yes: { en: 'You may', zh: '允许' },
  no: { en: 'Needs signing in', zh: '需要登录' },
  noRole: { en: 'Needs another role', zh: '需要其他角色' },
  signIn: { en: 'Sign in', zh: '登录' },
  profile: { en: 'Profile', zh: '个人资料' },
  display: { en: 'Shown name', zh: '显示名称' },
  email: { en: 'E-mail', zh: '邮箱' },
  language: { en: 'Language', zh: '语言' },
  asBrowser: { en: 'As the browser', zh: '跟随浏览器' },
  save: { en: 'Save', zh: '保存' },
  saved: { en: 'Saved', zh: '已保存' },
  stale: { en: 'Your profile has been changed elsewhere meanwhile. Save again to put yours in its place.', zh: '个人资料已在别处更改。再次保存将以当前内容覆盖。' },
  password: { en: 'Password', zh: '密码' },
  current: { en: 'Password until now', zh: '当前密码' },
  next: { en: 'New password', zh: '新密码' },
  nextHint: { en: 'At least 12 characters. Your other browsers are signed out; your tokens stay.', zh: '至少 12 个字符。其他浏览器将被退出登录；令牌仍然有效。' },
  change: { en: 'Change', zh: '修改' },
  changed: { en: 'Changed; your other browsers are signed out. Revoke tokens that somebody else may have.', zh: '已修改，其他浏览器已退出登录。他人可能持有的令牌请另行吊销。' },
  sessions: { en: 'Your browsers', zh: '您的会话' },
  newTab: { en: 'You are not signed in any more. Sign in in a new tab, then save again: what you have typed stays.', zh: '登录已失效。请在新标签页登录后再次保存，已填写的内容会保留。' },
};

const classes: [Access, Message][] = [
  ['read', { en: 'look: pages, queries', zh: '查看：页面与查询' }],
  ['ingest', { en: 'send samples and alerts', zh: '写入样本与告警' }],
  ['respond', { en: 'acknowledge, comment, silence, make maintenance windows', zh: '确认、评论、静默、创建维护窗口' }],
  ['change', { en: 'change what is configured', zh: '修改配置' }],
  ['admin', { en: 'manage users and tokens, see the audit log, reload, delete', zh: '管理用户与令牌、查看审计日志、重新加载、删除' }],
];

/** ProfilePage says who looks at it and what they may do, and lets them change what is theirs. */
export function ProfilePage(): ReactNode {
  const t = useT();
  const { who: me, waiting } = useWho();
  if (!me) return <Page title={t(m.title)}>{waiting}</Page>;
  const may = me.may.join(', ') || t(m.nothing);
  const anonymous = me.method === 'anonymous';
  return (
    <Page title={t(m.title)} sentence={anonymous ? t(m.anonymous, { may }) : t(m.you, { name: me.user?.display_name || me.name, method: me.method, may })}>
      <AdminTabs at="/admin" />
      <div className="grid">
        <Card title={t(m.rights)} columns={6} flush>
          <table className="table"><tbody>
            {classes.map(([c, what]) => <tr key={c}><td><StateMark tone={me.may.includes(c) ? 'good' : 'quiet'}>{t(me.may.includes(c) ? m.yes : anonymous ? m.no : m.noRole)}</StateMark></td><td>{t(what)}</td></tr>)}
          </tbody></table>
        </Card>
        {anonymous && <Card title={t(m.signIn)} columns={6}><Empty title={t(m.signIn)}><HowToSignIn /></Empty></Card>}
        {/* Not made anew when the profile is read again, so that nothing typed is lost. */}
        {me.user && <Card title={t(m.profile)} columns={6}><ProfileForm key={me.user.name} user={me.user} /></Card>}
        {me.user && me.method === 'session' && <Card title={t(m.password)} columns={6}><PasswordChange /></Card>}
        {me.user && <OwnTokens name={me.user.name} may={me.may} canMake={me.method !== 'token'} />}
        {me.session && <Card title={t(m.sessions)} columns={12} flush><Own /></Card>}
      </div>
    </Page>
  );
}

/** Refused shows why something was not saved, and keeps the form where the session has ended. */
function Refused({ error }: { error: unknown }): ReactNode {
  const t = useT();
  if (error instanceof ApiError && error.unauthorized) {
    return <Notice tone="warning">{t(m.newTab)} <a href={signInURL()} target="_blank" rel="noreferrer">{t(m.signIn)}</a></Notice>;
  }
  if (error instanceof ApiError && error.conflict) return <Notice tone="warning">{t(m.stale)}</Notice>;
  return <Failed error={error} />;
}

function ProfileForm({ user }: { user: NonNullable<Me['user']> }): ReactNode {
  const t = useT();
  const said = useSaid();
  const client = useQueryClient();
  const [display, setDisplay] = useState(user.display_name ?? '');
  const [email, setEmail] = useState(user.email ?? '');
  const [lang, setLang] = useState<string>(user.language ?? '');
  // What was read when the form was begun: a change from elsewhere since is told.
  const [version, setVersion] = useState(user.version);
  const run = useMutation({
    mutationFn: () => changeMe(version, { display_name: display, email, language: lang }),
    onSuccess: ({ body }) => {
      if (body.user) setVersion(body.user.version);
      client.setQueryData(['me'], body);
      if (lang === 'en' || lang === 'zh') setLanguage(lang);
    },
    onError: async (e) => {
      if (!(e instanceof ApiError) || !e.conflict) return;
      await client.invalidateQueries({ queryKey: ['me'] });
      const fresh = client.getQueryData<Me>(['me']);
      if (fresh?.user) setVersion(fresh.user.version);
    },
  });
  return (
    <form onSubmit={(e) => { e.preventDefault(); run.mutate(); }} style={{ display: 'grid', gap: 10, maxWidth: 420 }}>
      <TextInput label={t(m.display)} maxLength={200} value={display} onChange={(e) => setDisplay(e.currentTarget.value)} error={fieldError(run.error, 'display_name', said)} autoComplete="name" />
      <TextInput label={t(m.email)} type="email" maxLength={254} value={email} onChange={(e) => setEmail(e.currentTarget.value)} error={fieldError(run.error, 'email', said)} autoComplete="email" />
      <Select label={t(m.language)} allowDeselect={false} value={lang} onChange={(v) => setLang(v ?? '')} data={[{ value: '', label: t(m.asBrowser) }, { value: 'en', label: 'English' }, { value: 'zh', label: '中文' }]} />
      {run.error && <Refused error={run.error} />}
      <div style={{ display: 'flex', gap: 12, alignItems: 'center' }}><Button type="submit" loading={run.isPending}>{t(m.save)}</Button>{run.isSuccess && <StateMark tone="good">{t(m.saved)}</StateMark>}</div>
    </form>
  );
}

function PasswordChange(): ReactNode {
  const t = useT();
  const said = useSaid();
  const client = useQueryClient();
  const [current, setCurrent] = useState('');
  const [next, setNext] = useState('');
  const run = useMutation({
    mutationFn: () => changeMyPassword(current, next),
    onSuccess: () => {
      setCurrent('');
      setNext('');
      void client.invalidateQueries({ queryKey: ['sessions'] });
    },
  });
  return (
    <form onSubmit={(e) => { e.preventDefault(); run.mutate(); }} style={{ display: 'grid', gap: 10, maxWidth: 420 }}>
      <PasswordInput label={t(m.current)} required maxLength={1024} value={current} onChange={(e) => setCurrent(e.currentTarget.value)} autoComplete="current-password" />
      <PasswordInput label={t(m.next)} description={t(m.nextHint)} required minLength={12} maxLength={1024} value={next} onChange={(e) => setNext(e.currentTarget.value)} error={fieldError(run.error, 'password', said)} autoComplete="new-password" />
      {run.error && <Refused error={run.error} />}
      <div style={{ display: 'flex', gap: 12, alignItems: 'center' }}><Button type="submit" loading={run.isPending}>{t(m.change)}</Button>{run.isSuccess && <StateMark tone="good">{t(m.changed)}</StateMark>}</div>
    </form>
  );
}

function Own(): ReactNode {
  const { data, error, refetch } = useQuery({ queryKey: ['sessions', 'own'], queryFn: ({ signal }) => sessions(undefined, signal), refetchInterval: 10_000 });
  if (error && !data) return <Failed error={error} retry={() => void refetch()} />;
  return data ? <SessionTable list={data} /> : <Loading height={100} />;
}
