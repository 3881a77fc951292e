import { Button, TextInput } from '@mantine/core';
import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { Fragment, type ReactNode, useEffect, useState } from 'react';

import { audit, type AuditEntry } from '../../api/accounts';
import { useLanguage, useT } from '../../i18n';
import { useTime } from '../../time/state';
import { clock } from '../../ui/format';
import { Card, Empty, Failed, Loading, Page } from '../../ui/parts';
import { diff, mostFields } from './diff';
import { AdminTabs, Gate } from './Gate';
import { attempts, refusedSignIn } from './refused';

const m = {
  title: { en: 'Audit log', zh: '审计日志' },
  sentence: { en: '{n} changes in the time range, newest first.', zh: '所选时间范围内 {n} 条变更，最新在前。' },
  more: { en: '{n} or more changes in the time range, newest first.', zh: '所选时间范围内超过 {n} 条变更，最新在前。' },
  none: { en: 'Nobody has changed anything here', zh: '没有变更记录' },
  noneHint: { en: 'Widen the time range above, or clear the filter.', zh: '请扩大上方的时间范围或清除筛选。' },
  clear: { en: 'Clear the filter', zh: '清除筛选' },
  actor: { en: 'Who', zh: '操作者' },
  action: { en: 'Did what', zh: '操作' },
  actionHint: { en: 'Such as user. or token.create', zh: '例如 user. 或 token.create' },
  target: { en: 'To what', zh: '对象' },
  targetHint: { en: 'Such as user/ or user/anna', zh: '例如 user/ 或 user/anna' },
  when: { en: 'When', zh: '时间' },
  from: { en: 'From', zh: '来源地址' },
  changes: { en: '{n} fields', zh: '{n} 个字段' },
  nothing: { en: 'no fields', zh: '无字段' },
  field: { en: 'Field', zh: '字段' },
  before: { en: 'Before', zh: '之前' },
  after: { en: 'After', zh: '之后' },
  refused: { en: 'Refused sign-ins', zh: '被拒绝的登录' },
  times: { en: '{n} times', zh: '{n} 次' },
  next: { en: 'Show older ones', zh: '显示更早的记录' },
};

interface Filter {
  actor?: string;
  action?: string;
  target?: string;
  entry?: string;
}

/** AuditPage says who changed what. */
export function AuditPage(): ReactNode {
  const t = useT();
  return <Gate title={t(m.title)} at="/admin/audit">{() => <Log />}</Gate>;
}

function Log(): ReactNode {
  const t = useT();
  const l = useLanguage();
  const navigate = useNavigate();
  const { actor, action, target, entry } = useSearch({ strict: false }) as Filter;
  const time = useTime({ from: 'now-7d', to: 'now' });
  const set = (by: Filter): void => void navigate({ to: '.', replace: true, search: (old: Record<string, unknown>) => ({ ...old, ...by }) } as never);
  const { data, error, refetch, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery({
    queryKey: ['audit', actor, action, target, time.raw.from, time.raw.to, time.tick],
    queryFn: ({ pageParam, signal }) => audit({ actor, action, target, from: new Date(time.range.from).toISOString(), to: new Date(time.range.to).toISOString(), cursor: pageParam }, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next_cursor,
    placeholderData: keepPreviousData,
  });
  const list = data?.pages.flatMap((p) => p.entries) ?? [];
  return (
    <Page title={t(m.title)} sentence={data && t(hasNextPage ? m.more : m.sentence, { n: list.length })}>
      <AdminTabs at="/admin/audit" />
      <div style={{ display: 'flex', flexWrap: 'wrap', gap: 8, marginBottom: 12 }}>
        <Field label={t(m.actor)} value={actor} set={(v) => set({ actor: v })} />
        <Field label={t(m.action)} hint={t(m.actionHint)} value={action} set={(v) => set({ action: v })} />
        <Field label={t(m.target)} hint={t(m.targetHint)} value={target} set={(v) => set({ target: v })} />
        <Button variant={action === refusedSignIn ? 'filled' : 'default'} aria-pressed={action === refusedSignIn} onClick={() => set({ action: action === refusedSignIn ? undefined : refusedSignIn })}>{t(m.refused)}</Button>
      </div>
      {error && <Failed error={error} retry={() => void refetch()} />}
      {!data ? !error && <Loading height={240} /> : (
        <Card flush>
          {list.length === 0 ? <Empty title={t(m.none)} action={(actor || action || target) && <Button variant="default" onClick={() => set({ actor: undefined, action: undefined, target: undefined })}>{t(m.clear)}</Button>}>{t(m.noneHint)}</Empty> : (
            <table className="table as-cards">
              <thead><tr><th>{t(m.when)}</th><th>{t(m.actor)}</th><th>{t(m.action)}</th><th>{t(m.target)}</th><th>{t(m.from)}</th><th /></tr></thead>
              <tbody>
                {list.map((e) => (
                  <Entry key={e.id} e={e} at={clock(Date.parse(e.at), l, time.zone, true)} open={entry === e.id} toggle={() => set({ entry: entry === e.id ? undefined : e.id })} pick={set} />
                ))}
              </tbody>
            </table>
          )}
          {hasNextPage && <Button variant="subtle" m={8} loading={isFetchingNextPage} onClick={() => void fetchNextPage()}>{t(m.next)}</Button>}
        </Card>
      )}
    </Page>
  );
}

/** How long after the last key a filter is asked, in milliseconds. */
const settle = 300;

function Field({ label, hint, value, set }: { label: string; hint?: string; value?: string; set: (v: string | undefined) => void }): ReactNode {
  const [typed, setTyped] = useState(value ?? '');
  useEffect(() => setTyped(value ?? ''), [value]);
  useEffect(() => {
    if (typed === (value ?? '')) return undefined;
    const timer = setTimeout(() => set(typed.trim() || undefined), settle);
    return () => clearTimeout(timer);
    // Only what is typed begins the wait anew.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [typed]);
  return <TextInput aria-label={label} placeholder={hint ? `${label}: ${hint}` : label} maxLength={200} value={typed} onChange={(e) => setTyped(e.currentTarget.value)} style={{ flex: '1 1 180px', maxWidth: 280 }} />;
}

function Entry({ e, at, open, toggle, pick }: { e: AuditEntry; at: string; open: boolean; toggle: () => void; pick: (by: Filter) => void }): ReactNode {
  const t = useT();
  const changes = diff(e.before, e.after);
  const times = attempts(e);
  return (
    <Fragment>
      <tr>
        <td data-name={t(m.when)} style={{ whiteSpace: 'nowrap' }}><time dateTime={e.at}>{at}</time></td>
        <td data-name={t(m.actor)}><button type="button" className="label" onClick={() => pick({ actor: e.actor })}>{e.actor}</button> <span className="muted">{e.method}</span></td>
        <td data-name={t(m.action)}><button type="button" className="label" onClick={() => pick({ action: e.action })}>{e.action}</button>{times !== undefined && <> <span className="muted">{t(m.times, { n: times })}</span></>}</td>
        <td data-name={t(m.target)} style={{ overflowWrap: 'anywhere' }}>{e.target && <button type="button" className="label" onClick={() => pick({ target: e.target })}>{e.target}</button>}</td>
        <td data-name={t(m.from)} className="mono">{e.remote}</td>
        <td className="num">{changes.length === 0 ? <span className="muted">{t(m.nothing)}</span> : <Button variant="subtle" size="compact-xs" aria-expanded={open} onClick={toggle}>{t(m.changes, { n: changes.length >= mostFields ? `${mostFields}+` : changes.length })}</Button>}</td>
      </tr>
      {open && changes.length > 0 && (
        <tr>
          <td colSpan={6}>
            <table className="table">
              <thead><tr><th>{t(m.field)}</th><th>{t(m.before)}</th><th>{t(m.after)}</th></tr></thead>
              <tbody>
                {changes.map((c) => (
                  <tr key={c.path}>
                    <td className="mono">{c.path}</td>
                    <td className="mono" style={{ overflowWrap: 'anywhere' }}>{c.before === undefined ? <span className="muted">–</span> : <del>{c.before}</del>}</td>
                    <td className="mono" style={{ overflowWrap: 'anywhere' }}>{c.after === undefined ? <span className="muted">–</span> : <ins style={{ textDecoration: 'none' }}>{c.after}</ins>}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </td>
        </tr>
      )}
    </Fragment>
  );
}
