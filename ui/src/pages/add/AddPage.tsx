import { Switch } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router';
import type { ReactNode } from 'react';

import { useMe } from '../../api/me';
import { flags } from '../../api/server';
import { status } from '../../api/status';
import { prefix } from '../../app/base';
import { keepTime } from '../../app/Frame';
import { useT } from '../../i18n';
import { Elsewhere } from '../../ui/Elsewhere';
import { Card, Empty, Failed, Loading, Notice, Page } from '../../ui/parts';
import { Snippet } from '../../ui/Snippet';
import { isLoopback, place, tokenFile } from './guide';
import { guide } from './guides';
import { Light } from './Light';
import { Sections } from './Sections';

const m = {
  elsewhere: { en: 'Samples are stored by the server at {url}: put its address in place of this one below, and lines of prometheus.yml into its file.', zh: '样本由 {url} 存储：请将以下地址换成该服务器的地址，并将 prometheus.yml 的内容写入其配置文件。' },
  unknown: { en: 'There is no guide "{what}"', zh: '没有名为“{what}”的指南' },
  all: { en: 'All guides', zh: '全部指南' },
  withToken: { en: 'Show a token', zh: '使用令牌' },
  tokenNeeded: { en: 'Senders show a token here.', zh: '此服务器要求发送方使用令牌。' },
  tokenFree: { en: 'On this machine, and as long as there are no users, no token is needed.', zh: '在本机且未创建用户时，无需令牌。' },
  token: { en: 'The token', zh: '令牌' },
  makeToken: { en: 'Make one that can do this and nothing else, on this server. The lines below read it from the file {file}.', zh: '在本服务器上创建仅具此权限的令牌。下文配置从文件 {file} 读取。' },
  orHere: { en: 'Or make it under Administration', zh: '或在“系统管理”中创建' },
  loopback: { en: 'You have reached this server at {host}, which other machines cannot. For senders elsewhere, listen with {flag} and open this page by that address.', zh: '当前通过 {host} 访问本服务器，其他机器无法使用该地址。如需从其他机器发送，请使用 {flag} 监听，并以该地址打开本页。' },
  noSignal: { en: 'There is no light here: the console itself asks in the same way.', zh: '此处无接收指示：控制台自身也以相同方式查询。' },
};

/** AddPage tells how one thing is sent or scraped, and when it has come. */
export function AddPage(): ReactNode {
  const t = useT();
  const { what = '' } = useParams({ strict: false }) as { what?: string };
  const g = guide(what);
  if (!g) {
    return <Page title={t(m.all)}><Sections at="/add" /><Empty title={t(m.unknown, { what })} action={<Link to={'/add' as never} search={keepTime as never}>{t(m.all)}</Link>} /></Page>;
  }
  return (
    <Page title={t(g.name)} sentence={`${t(g.summary)}${/[\u4e00-\u9fff]$/.test(t(g.summary)) ? '。' : '.'}`}>
      <Sections at="/add" />
      {g.signal ? <Light key={g.id} id={g.id} signal={g.signal} /> : <p className="muted">{t(m.noSignal)}</p>}
      <Steps id={g.id} />
    </Page>
  );
}

/** The scope that a token needs for a guide. */
const scopeOf = (id: string, group: string): string => (id === 'deployments' ? 'respond' : group === 'use' ? 'read' : 'ingest');

function Steps({ id }: { id: string }): ReactNode {
  const t = useT();
  const navigate = useNavigate();
  const { may } = useMe();
  const { auth } = useSearch({ strict: false }) as { auth?: string };
  const state = useQuery({ queryKey: ['status'], queryFn: ({ signal }) => status(signal) });
  const set = useQuery({ queryKey: ['flags'], queryFn: ({ signal }) => flags(signal), staleTime: 60_000 });
  const g = guide(id)!;
  if (state.error && !state.data) return <Failed error={state.error} retry={() => void state.refetch()} />;
  if (!state.data || (!set.data && !set.error)) return <Loading height={240} />;
  const local = isLoopback(window.location.hostname);
  const scope = scopeOf(id, g.group);
  const free = local && !state.data.access.users && scope !== 'respond';
  const token = auth === undefined ? !free : auth === 'token';
  const p = place(window.location.origin, prefix, { token, listeners: state.data.listeners, config: set.data?.['prometheus.config'] });
  const shows = g.steps({ ...p, token: true }).some((s) => s.code?.includes(tokenFile));
  const name = scope === 'ingest' ? 'sender' : scope === 'read' ? 'reader' : 'pipeline';
  return (
    <div style={{ display: 'grid', gap: 12, gridTemplateColumns: 'minmax(0, 1fr)' }}>
      {g.group !== 'use' && <Elsewhere engine="metrics" text={m.elsewhere} />}
      {local && g.group !== 'scrape' && g.group !== 'exporter' && (
        <Notice tone="info">{t(m.loopback, { host: window.location.host, flag: `--web.listen-address=0.0.0.0:${window.location.port || '7070'}` })}</Notice>
      )}
      {shows && (
        <Card title={t(m.token)} actions={scope !== 'respond' && (
          <Switch size="xs" label={t(m.withToken)} checked={token} onChange={(e) => { const on = e.currentTarget.checked; void navigate({ to: '.', replace: true, search: (old: Record<string, unknown>) => ({ ...old, auth: on ? 'token' : 'none' }) } as never); }} />
        )}>
          <p style={{ margin: '0 0 8px' }}>{t(free ? m.tokenFree : m.tokenNeeded)} {token && t(m.makeToken, { file: tokenFile })}</p>
          {token && <Snippet name="shell" text={`touchline tokens add ${name} --scope=${scope} --file=${tokenFile} --url=${p.base}`} />}
          {token && may('admin') && <p style={{ margin: '8px 0 0' }}><Link to={'/admin/tokens' as never} search={keepTime as never}>{t(m.orHere)}</Link></p>}
        </Card>
      )}
      {g.steps(p).map((s, i) => (
        <section key={`${id} ${i}`}>
          <h2 style={{ fontSize: 13, margin: '4px 0 6px' }}>{i + 1}. {t(s.text)}</h2>
          {s.code && <Snippet text={s.code} name={s.file} />}
        </section>
      ))}
    </div>
  );
}
