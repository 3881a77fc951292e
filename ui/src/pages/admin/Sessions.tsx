import { Button } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';

import { endSession, type Session, sessions } from '../../api/accounts';
import { useMe } from '../../api/me';
import { useT } from '../../i18n';
import { Confirm } from '../../ui/Confirm';
import { Ago, Card, Empty, Failed, Loading, Page } from '../../ui/parts';
import { AdminTabs, Gate } from './Gate';

const m = {
  title: { en: 'Sessions', zh: '会话' },
  sentence: { en: '{n} browsers are signed in, of {users} users.', zh: '{users} 个用户的 {n} 个浏览器已登录。' },
  none: { en: 'No browser is signed in', zh: '没有已登录的浏览器' },
  user: { en: 'User', zh: '用户' },
  how: { en: 'Signed in by', zh: '登录方式' },
  browser: { en: 'Browser', zh: '浏览器' },
  from: { en: 'From', zh: '来源地址' },
  since: { en: 'Since', zh: '登录时间' },
  seen: { en: 'Seen', zh: '最近活动' },
  ends: { en: 'Ends', zh: '到期' },
  this: { en: 'this one', zh: '当前' },
  out: { en: 'Sign out', zh: '退出' },
  sure: { en: 'That browser has to sign in again. What is typed there and not saved may be lost.', zh: '该浏览器需重新登录，未保存的内容可能丢失。' },
};

/** SessionsPage lists everybody's browsers. */
export function SessionsPage(): ReactNode {
  const t = useT();
  return <Gate title={t(m.title)} at="/admin/sessions">{() => <Everybody />}</Gate>;
}

function Everybody(): ReactNode {
  const t = useT();
  const { data, error, refetch } = useQuery({ queryKey: ['sessions', '*'], queryFn: ({ signal }) => sessions('*', signal), refetchInterval: 10_000 });
  return (
    <Page title={t(m.title)} sentence={data && t(m.sentence, { n: data.length, users: new Set(data.map((s) => s.user)).size })}>
      <AdminTabs at="/admin/sessions" />
      <Card flush>{error && !data ? <Failed error={error} retry={() => void refetch()} /> : !data ? <Loading height={160} /> : <SessionTable list={data} />}</Card>
    </Page>
  );
}

/** SessionTable lists browsers, each with a way to sign it out. */
export function SessionTable({ list }: { list: Session[] }): ReactNode {
  const t = useT();
  const { me } = useMe();
  const client = useQueryClient();
  const [ending, setEnding] = useState<Session>();
  if (list.length === 0) return <Empty title={t(m.none)} />;
  return (
    <>
      <table className="table as-cards">
        <thead><tr><th>{t(m.user)}</th><th>{t(m.browser)}</th><th>{t(m.from)}</th><th>{t(m.since)}</th><th>{t(m.seen)}</th><th>{t(m.ends)}</th><th /></tr></thead>
        <tbody>
          {list.map((s) => (
            <tr key={s.id}>
              <td data-name={t(m.user)}>{s.user} <span className="muted">{s.method}</span></td>
              <td data-name={t(m.browser)} style={{ overflowWrap: 'anywhere', maxWidth: 360 }}>{s.user_agent}{me?.session === s.id && <b> ({t(m.this)})</b>}</td>
              <td data-name={t(m.from)} className="mono">{s.remote}</td>
              <td data-name={t(m.since)}><Ago at={s.created_at} /></td>
              <td data-name={t(m.seen)}><Ago at={s.seen_at} /></td>
              <td data-name={t(m.ends)}><Ago at={s.expires_at} /></td>
              <td className="num">{me?.session !== s.id && <Button variant="subtle" color="red" size="compact-xs" onClick={() => setEnding(s)}>{t(m.out)}</Button>}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {ending && <Confirm title={`${t(m.out)}: ${ending.user}`} verb={t(m.out)} close={() => { void client.invalidateQueries({ queryKey: ['sessions'] }); setEnding(undefined); }} act={() => endSession(ending.id)}>{t(m.sure)}</Confirm>}
    </>
  );
}
