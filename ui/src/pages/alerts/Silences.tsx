import { Button, TextInput } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import type { ReactNode } from 'react';

import { alerts as readAlerts, expireSilence, matches, type Silence, silences as readSilences } from '../../api/alertmanager';
import { useMe } from '../../api/me';
import { useT } from '../../i18n';
import { useTime } from '../../time/state';
import { useAddress } from '../../ui/address';
import { Icon } from '../../ui/icons';
import { Ago, Card, Empty, Failed, Loading, Page, StateMark } from '../../ui/parts';
import { MayNot, Refused } from '../../ui/Refused';
import { matchersText, parseMatchers } from './matchers';
import { SilenceForm } from './SilenceForm';
import { AlertTabs } from './Tabs';

const m = {
  title: { en: 'Silences', zh: '静默' },
  sentence: { en: '{a} active, {p} to come, {e} ended. They keep {n} alerts quiet now.', zh: '生效中 {a} 个，待生效 {p} 个，已结束 {e} 个；当前静默 {n} 条告警。' },
  active: { en: 'active', zh: '生效中' },
  pending: { en: 'to come', zh: '待生效' },
  expired: { en: 'ended', zh: '已结束' },
  search: { en: 'Comment, author, or matchers such as service="api"', zh: '原因、创建者，或匹配器如 service="api"' },
  add: { en: 'Silence', zh: '新建静默' },
  edit: { en: 'Change', zh: '修改' },
  again: { en: 'Again', zh: '重新创建' },
  expire: { en: 'End', zh: '结束' },
  none: { en: 'No silence fits', zh: '没有符合条件的静默' },
  nothing: { en: 'Nothing is silenced', zh: '没有静默' },
  how: { en: 'Silence an alert from its row, or write matchers.', zh: '可从告警行静默，或填写匹配器。' },
  ends: { en: 'ends', zh: '结束' },
  begins: { en: 'begins', zh: '开始' },
  ended: { en: 'ended', zh: '结束于' },
  meets: { en: '{n} alerts now', zh: '当前 {n} 条告警' },
};

type State = Silence['status']['state'];

export function Silences(): ReactNode {
  const t = useT();
  const { value, change } = useAddress();
  const { tick } = useTime();
  const { me, may } = useMe();
  const client = useQueryClient();
  const q = useQuery({ queryKey: ['silences', tick], queryFn: ({ signal }) => readSilences([], signal), refetchInterval: 3000, placeholderData: (old) => old });
  const alerts = useQuery({ queryKey: ['alerts', tick], queryFn: ({ signal }) => readAlerts({}, signal), refetchInterval: 5000, placeholderData: (old) => old });
  const end = useMutation({ mutationFn: expireSilence, onSettled: () => client.invalidateQueries({ queryKey: ['silences'] }) });
  const state = (value('state') || 'active') as State;
  // Addresses of Alertmanager's own pages carry filter=, and older links of it {…}.
  const words = value('q') || value('filter');
  const id = value('id');
  const parsed = parseMatchers(words);
  const isMatchers = words !== '' && !parsed.error && /[=~]/.test(words);
  const all = q.data ?? [];
  const found = id ? all.filter((s) => s.id === id) : all.filter((s) => {
    if (words === '') return true;
    if (isMatchers) return parsed.matchers.every((x) => s.matchers.some((y) => y.name === x.name && (y.value === x.value || (!y.isRegex && matches(x, { [y.name]: y.value })))));
    return `${s.comment} ${s.createdBy} ${s.id} ${matchersText(s.matchers)}`.toLowerCase().includes(words.toLowerCase());
  });
  const shown = id ? found : found.filter((s) => s.status.state === state);
  const prefilled = value('silence') || (value('new') ? ' ' : '');
  const editing = value('edit') ? all.find((s) => s.id === value('edit')) : undefined;
  const count = (s: State): number => found.filter((x) => x.status.state === s).length;
  const quiet = (alerts.data ?? []).filter((a) => a.status.silencedBy.length > 0);

  return (
    <>
      <AlertTabs />
      <Page title={t(m.title)} sentence={q.data && t(m.sentence, { a: all.filter((s) => s.status.state === 'active').length, p: all.filter((s) => s.status.state === 'pending').length, e: all.filter((s) => s.status.state === 'expired').length, n: quiet.length })}
        actions={may('respond') ? <Button variant="filled" onClick={() => change({ new: '1' })}>{t(m.add)}</Button> : <MayNot anonymous={me?.method === 'anonymous'} />}>
        <div style={{ display: 'flex', flexWrap: 'wrap', gap: 8, marginBottom: 12 }}>
          <TextInput style={{ flex: '1 1 260px' }} value={words} aria-label={t(m.search)} placeholder={t(m.search)} leftSection={<Icon name="search" size={14} />} onChange={(e) => change({ q: e.currentTarget.value, filter: '', id: '' })} />
          <Button.Group>
            {(['active', 'pending', 'expired'] as const).map((s) => <Button key={s} px={9} variant={!id && state === s ? 'light' : 'default'} aria-pressed={!id && state === s} onClick={() => change({ state: s === 'active' ? '' : s, id: '' })}>{t(m[s])} <span className="unit">{q.data ? count(s) : ''}</span></Button>)}
          </Button.Group>
        </div>
        <Refused error={end.error} />
        {q.error && <Failed error={q.error} retry={() => void q.refetch()} />}
        {!q.data ? !q.error && <Loading height={200} /> : (
          <Card flush>
            {shown.length === 0 ? <Empty title={t(words || id ? m.none : m.nothing)}><span>{t(m.how)}</span></Empty> : shown.slice(0, 300).map((s) => {
              const met = quiet.filter((a) => a.status.silencedBy.includes(s.id)).length;
              return (
                <div key={s.id} style={{ padding: '8px 12px', borderBottom: '1px solid var(--line)' }}>
                  <div style={{ display: 'flex', flexWrap: 'wrap', gap: '2px 10px', alignItems: 'baseline' }}>
                    <StateMark tone={s.status.state === 'active' ? 'info' : 'quiet'}>{t(m[s.status.state])}</StateMark>
                    <span className="mono" style={{ overflowWrap: 'anywhere', minWidth: 0 }}>{matchersText(s.matchers)}</span>
                    {may('respond') && (
                      <span style={{ marginLeft: 'auto', display: 'flex', gap: 6 }}>
                        <Button size="compact-xs" variant="default" onClick={() => change({ edit: s.id })}>{t(s.status.state === 'expired' ? m.again : m.edit)}</Button>
                        {s.status.state !== 'expired' && <Button size="compact-xs" variant="default" loading={end.isPending && end.variables === s.id} onClick={() => end.mutate(s.id)}>{t(m.expire)}</Button>}
                      </span>
                    )}
                  </div>
                  <div className="muted" style={{ overflowWrap: 'anywhere' }}>
                    {s.status.state === 'pending' && <>{t(m.begins)} <Ago at={s.startsAt} /> · </>}{t(s.status.state === 'expired' ? m.ended : m.ends)} <Ago at={s.endsAt} /> · {s.createdBy} · {s.comment}{met > 0 && <> · <b>{t(m.meets, { n: met })}</b></>}
                  </div>
                </div>
              );
            })}
          </Card>
        )}
      </Page>
      {(prefilled || editing) && may('respond') && <SilenceForm key={editing?.id ?? prefilled} initial={prefilled.trim()} of={editing} close={() => change({ silence: '', new: '', edit: '' })} />}
    </>
  );
}
