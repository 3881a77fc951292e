import { Button, Group, Modal, Select, Switch } from '@mantine/core';
import { useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { type ReactNode, useState } from 'react';

import { createToken, revokeToken, rotateToken, type Secret, type Token, tokens } from '../../api/accounts';
import { useT } from '../../i18n';
import { Confirm } from '../../ui/Confirm';
import { Icon } from '../../ui/icons';
import { Ago, Card, Empty, Failed, Loading, Page, StateMark } from '../../ui/parts';
import { AdminTabs, Gate } from './Gate';
import { ShownOnce } from './ShownOnce';
import { TokenForm } from './TokenForm';
import { tokenState } from './tokenState';

const m = {
  title: { en: 'Tokens', zh: '令牌' },
  sentence: { en: '{n} tokens are valid; {soon} end within a week.', zh: '{n} 个令牌有效，其中 {soon} 个将在一周内到期。' },
  none: { en: 'No token has been made', zh: '尚未创建令牌' },
  noneHint: { en: 'Whoever sends here gets one that may do nothing else. On the server:', zh: '为发送方创建仅具写入权限的令牌。在服务器上执行：' },
  all: { en: 'Also ended', zh: '包括已失效' },
  create: { en: 'Make a token', zh: '创建令牌' },
  name: { en: 'Name', zh: '名称' },
  scopes: { en: 'May', zh: '权限' },
  owner: { en: 'Of', zh: '所属' },
  agent: { en: 'an agent', zh: '代理程序' },
  state: { en: 'State', zh: '状态' },
  used: { en: 'Used', zh: '最近使用' },
  never: { en: 'never', zh: '从未' },
  ends: { en: 'Ends', zh: '到期' },
  endless: { en: 'does not end', zh: '不过期' },
  valid: { en: 'Valid', zh: '有效' },
  soon: { en: 'Ends soon', zh: '即将到期' },
  replaced: { en: 'Replaced', zh: '已轮换' },
  ended: { en: 'Ended', zh: '已失效' },
  rotate: { en: 'Rotate', zh: '轮换' },
  revoke: { en: 'Revoke', zh: '吊销' },
  sure: { en: 'Whoever shows {name} is refused at once. Rotate it instead, where senders go on.', zh: '使用 {name} 的请求将立即被拒绝。若发送方仍在使用，请改用轮换。' },
  secret: { en: 'Token {name}', zh: '令牌 {name}' },
  send: { en: 'Send it as: Authorization: Bearer TOKEN', zh: '使用方式：Authorization: Bearer TOKEN' },
  overlap: { en: 'The old one stays valid for', zh: '旧令牌继续有效' },
  rotateTitle: { en: 'Rotate {name}', zh: '轮换 {name}' },
  cancel: { en: 'Cancel', zh: '取消' },
  none0: { en: 'not at all', zh: '不保留' },
  h1: { en: '1 hour', zh: '1 小时' },
  h24: { en: '24 hours', zh: '24 小时' },
  d7: { en: '7 days', zh: '7 天' },
  d30: { en: '30 days', zh: '30 天' },
  next: { en: 'Show more', zh: '显示更多' },
};

const scopeNames = ['ingest', 'read', 'respond', 'change', 'admin'];

type Doing = { what: 'create' } | { what: 'rotate' | 'revoke'; token: Token } | { what: 'secret'; secret: Secret };

/** TokensPage lists tokens, makes, rotates and revokes them. */
export function TokensPage(): ReactNode {
  const t = useT();
  return <Gate title={t(m.title)} at="/admin/tokens">{() => <List />}</Gate>;
}

function List(): ReactNode {
  const t = useT();
  const navigate = useNavigate();
  const all = (useSearch({ strict: false }) as { all?: string }).all === 'true';
  const client = useQueryClient();
  const [doing, setDoing] = useState<Doing>();
  const { data, error, refetch, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery({
    queryKey: ['tokens', all],
    queryFn: ({ pageParam, signal }) => tokens(all, pageParam, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next_cursor,
    refetchInterval: 10_000,
    placeholderData: undefined,
  });
  const again = (): void => void client.invalidateQueries({ queryKey: ['tokens'] });
  const list = data?.pages.flatMap((p) => p.tokens) ?? [];
  const now = Date.now();
  const states = list.map((x) => tokenState(x, now));
  const done = (secret: Secret): void => { again(); setDoing({ what: 'secret', secret }); };
  const close = (): void => setDoing(undefined);
  return (
    <Page title={t(m.title)} sentence={data && t(m.sentence, { n: states.filter((s) => s !== 'ended').length, soon: states.filter((s) => s === 'soon').length })}
      actions={<Button leftSection={<Icon name="add" size={14} />} onClick={() => setDoing({ what: 'create' })}>{t(m.create)}</Button>}>
      <AdminTabs at="/admin/tokens" />
      <Switch size="xs" mb={8} label={t(m.all)} checked={all} onChange={(e) => { const on = e.currentTarget.checked; void navigate({ to: '.', replace: true, search: (old: Record<string, unknown>) => ({ ...old, all: on ? 'true' : undefined }) } as never); }} />
      {error && !data ? <Failed error={error} retry={() => void refetch()} /> : !data ? <Loading height={200} /> : (
        <Card flush>
          {list.length === 0 ? <Empty title={t(m.none)}>{t(m.noneHint)}<code>touchline tokens add sender --scope=ingest --file=touchline.token</code></Empty> : (
            <table className="table as-cards">
              <thead><tr><th>{t(m.name)}</th><th>{t(m.state)}</th><th>{t(m.scopes)}</th><th>{t(m.owner)}</th><th>{t(m.used)}</th><th>{t(m.ends)}</th><th /></tr></thead>
              <tbody>
                {list.map((x, i) => (
                  <tr key={x.id}>
                    <td data-name={t(m.name)}><div><b>{x.name}</b><div className="muted mono">{x.id}</div></div></td>
                    <td data-name={t(m.state)}><StateMark tone={states[i] === 'valid' ? 'good' : states[i] === 'ended' ? 'quiet' : 'warning'}>{t(m[states[i]!])}</StateMark></td>
                    <td data-name={t(m.scopes)}>{(x.scopes ?? []).join(', ')}</td>
                    <td data-name={t(m.owner)}>{x.user ?? <span className="muted">{t(m.agent)}</span>}</td>
                    <td data-name={t(m.used)}>{x.used_at ? <Ago at={x.used_at} /> : <span className="muted">{t(m.never)}</span>}</td>
                    <td data-name={t(m.ends)}>{x.expires_at ? <Ago at={x.expires_at} /> : <span className="muted">{t(m.endless)}</span>}</td>
                    <td className="num">
                      {states[i] !== 'ended' && (
                        <>
                          {!x.replaced_by && <Button variant="subtle" size="compact-xs" onClick={() => setDoing({ what: 'rotate', token: x })}>{t(m.rotate)}</Button>}
                          <Button variant="subtle" color="red" size="compact-xs" onClick={() => setDoing({ what: 'revoke', token: x })}>{t(m.revoke)}</Button>
                        </>
                      )}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          )}
          {hasNextPage && <Button variant="subtle" m={8} loading={isFetchingNextPage} onClick={() => void fetchNextPage()}>{t(m.next)}</Button>}
        </Card>
      )}
      {doing?.what === 'create' && <TokenForm title={t(m.create)} scopes={scopeNames} given={['ingest']} lifes={['30d', '90d', '365d', 'never']} life="365d" owned make={createToken} close={close} done={done} />}
      {doing?.what === 'rotate' && <Rotate token={doing.token} close={close} done={done} />}
      {doing?.what === 'revoke' && <Confirm title={`${t(m.revoke)}: ${doing.token.name}`} verb={t(m.revoke)} close={() => { again(); close(); }} act={() => revokeToken(doing.token.id)}>{t(m.sure, { name: doing.token.name })}</Confirm>}
      {doing?.what === 'secret' && <ShownOnce title={t(m.secret, { name: doing.secret.token.name })} secret={doing.secret.secret} close={close}>{t(m.send)}</ShownOnce>}
    </Page>
  );
}

function Rotate({ token, close, done }: { token: Token; close: () => void; done: (s: Secret) => void }): ReactNode {
  const t = useT();
  const [overlap, setOverlap] = useState('86400');
  const run = useMutation({ mutationFn: () => rotateToken(token.id, Number(overlap)), onSuccess: done });
  return (
    <Modal opened onClose={close} title={t(m.rotateTitle, { name: token.name })}>
      <form onSubmit={(e) => { e.preventDefault(); run.mutate(); }} style={{ display: 'grid', gap: 10 }}>
        <Select label={t(m.overlap)} allowDeselect={false} value={overlap} onChange={(v) => setOverlap(v ?? '86400')} data={[{ value: '0', label: t(m.none0) }, { value: '3600', label: t(m.h1) }, { value: '86400', label: t(m.h24) }, { value: '604800', label: t(m.d7) }, { value: '2592000', label: t(m.d30) }]} />
        {run.error && <Failed error={run.error} />}
        <Group justify="flex-end"><Button variant="default" onClick={close}>{t(m.cancel)}</Button><Button type="submit" loading={run.isPending}>{t(m.rotate)}</Button></Group>
      </form>
    </Modal>
  );
}
