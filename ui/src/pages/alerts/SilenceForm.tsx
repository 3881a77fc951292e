import { Button, Group, Modal, Select, Textarea, TextInput } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';

import { alerts as readAlerts, matcherText, type NewSilence, putSilence, type Silence } from '../../api/alertmanager';
import { useMe } from '../../api/me';
import { useLanguage, useT } from '../../i18n';
import { duration } from '../../time/range';
import { useTime } from '../../time/state';
import { clock } from '../../ui/format';
import { Failed, LabelList, Loading, Notice, StateMark } from '../../ui/parts';
import { Refused } from '../../ui/Refused';
import { severityTone } from '../../ui/tone';
import { matchersText, onlyEmpty, parseMatchers } from './matchers';

const m = {
  create: { en: 'Silence', zh: '静默' },
  edit: { en: 'Change the silence', zh: '修改静默' },
  matchers: { en: 'Which alerts, such as service="api", severity=~"warning|info"', zh: '匹配哪些告警，如 service="api", severity=~"warning|info"' },
  for: { en: 'For how long, such as 30m, 2h, 1d12h', zh: '持续时间，如 30m、2h、1d12h' },
  badFor: { en: 'Write a length of time such as 30m, 2h or 1d12h', zh: '请输入时长，如 30m、2h 或 1d12h' },
  until: { en: 'until {at}', zh: '至 {at}' },
  later: { en: 'Begins in', zh: '开始于' },
  now: { en: 'now', zh: '立即' },
  comment: { en: 'Why', zh: '原因' },
  by: { en: 'By', zh: '创建者' },
  none: { en: 'No alert that fires now is met. The silence waits for one.', zh: '当前没有匹配的告警；静默将对之后的告警生效。' },
  met: { en: 'It meets {n} alerts now', zh: '当前匹配 {n} 条告警' },
  badMatcher: { en: 'It cannot be read from character {n} on', zh: '从第 {n} 个字符起无法解析' },
  empty: { en: 'At least one matcher must not be met by an empty value', zh: '至少一个匹配器不能匹配空值' },
};

const presets = ['30m', '1h', '2h', '8h', '1d', '1w'];
const starts = ['0m', '10m', '30m', '1h', '12h', '1d'];

/** SilenceForm makes or changes a silence, and shows what it would meet while it is written. */
export function SilenceForm({ initial, of, close }: { initial: string; of?: Silence; close: () => void }): ReactNode {
  const t = useT();
  const l = useLanguage();
  const { zone } = useTime();
  const { me } = useMe();
  const client = useQueryClient();
  const [text, setText] = useState(of ? matchersText(of.matchers) : initial);
  const left = of ? Math.max(60_000, Math.round((Date.parse(of.endsAt) - Math.max(Date.now(), Date.parse(of.startsAt))) / 60_000) * 60_000) : 0;
  const [length, setLength] = useState(of && of.status.state !== 'expired' ? `${left / 60_000}m` : '2h');
  const [start, setStart] = useState('0m');
  const [comment, setComment] = useState(of?.comment ?? '');
  const [by, setBy] = useState<string>();
  const author = by ?? of?.createdBy ?? me?.user?.name ?? me?.name ?? '';
  const parsed = parseMatchers(text);
  const ms = duration(length);
  const keepStart = of?.status.state === 'pending' || of?.status.state === 'active';
  const startsAt = (): number => (keepStart && of ? Date.parse(of.startsAt) : Date.now() + (duration(start) ?? 0));
  // The server says what is met: its expressions are not the browser's.
  const filter = parsed.error ? [] : parsed.matchers.map(matcherText);
  const alerts = useQuery({
    queryKey: ['alerts', 'preview', filter], queryFn: ({ signal }) => readAlerts({ filter }, signal), enabled: filter.length > 0, refetchInterval: 3000, retry: false, gcTime: 10_000, placeholderData: (old) => old,
  });
  const met = filter.length === 0 ? [] : (alerts.data ?? []);
  const problem = parsed.error ? t(m.badMatcher, { n: parsed.error.at + 1 }) : parsed.matchers.length === 0 || onlyEmpty(parsed.matchers) ? t(m.empty) : undefined;
  const ready = !problem && !!ms && comment.trim() !== '' && author.trim() !== '';
  const save = useMutation({
    mutationFn: () => {
      const from = startsAt();
      const s: NewSilence = { matchers: parsed.matchers, startsAt: new Date(from).toISOString(), endsAt: new Date(Math.max(from, Date.now()) + (ms ?? 0)).toISOString(), createdBy: author.trim(), comment: comment.trim(), ...(of && of.status.state !== 'expired' ? { id: of.id } : {}) };
      return putSilence(s);
    },
    onSuccess: () => { void client.invalidateQueries({ queryKey: ['silences'] }); close(); },
  });
  return (
    <Modal opened onClose={close} closeOnClickOutside={false} title={t(of ? m.edit : m.create)} size="lg">
      <form style={{ display: 'grid', gap: 12 }} onSubmit={(e) => { e.preventDefault(); if (ready) save.mutate(); }}>
        <Textarea autosize minRows={1} maxRows={6} label={t(m.matchers)} value={text} styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)', fontSize: 12 } }} onChange={(e) => setText(e.currentTarget.value)} error={text.trim() === '' ? undefined : problem} data-autofocus />
        <div>
          <Group gap={6} align="flex-end">
            <TextInput label={t(m.for)} w={250} value={length} onChange={(e) => setLength(e.currentTarget.value)} error={ms ? undefined : t(m.badFor)} />
            {!keepStart && <Select label={t(m.later)} w={100} value={start} onChange={(v) => setStart(v ?? '0m')} data={starts.map((s) => ({ value: s, label: s === '0m' ? t(m.now) : s }))} />}
          </Group>
          <Group gap={6} mt={6}>
            {presets.map((p) => <Button key={p} size="compact-xs" variant={length === p ? 'light' : 'default'} onClick={() => setLength(p)}>{p}</Button>)}
            {ms ? <span className="muted">{t(m.until, { at: clock(Math.max(startsAt(), Date.now()) + ms, l, zone, true) })}</span> : null}
          </Group>
        </div>
        <Textarea autosize minRows={1} label={t(m.comment)} value={comment} maxLength={2000} onChange={(e) => setComment(e.currentTarget.value)} required />
        <TextInput label={t(m.by)} value={author} maxLength={200} onChange={(e) => setBy(e.currentTarget.value)} required />
        {filter.length === 0 ? null : alerts.error ? <Failed error={alerts.error} /> : !alerts.data ? <Loading height={60} /> : (
          <section aria-live="polite">
            {met.length === 0 ? <Notice tone="info">{t(m.none)}</Notice> : <div style={{ fontWeight: 600, marginBottom: 4 }}>{t(m.met, { n: met.length })}</div>}
            <div style={{ maxHeight: 180, overflowY: 'auto' }} tabIndex={met.length > 3 ? 0 : undefined}>
              {met.slice(0, 50).map((a) => (
                <div key={a.fingerprint} style={{ padding: '4px 0', borderTop: '1px solid var(--line)' }}>
                  <StateMark tone={a.status.state === 'suppressed' ? 'quiet' : severityTone(a.labels.severity)}>{a.labels.alertname}</StateMark>
                  <LabelList labels={a.labels} without={['alertname']} />
                </div>
              ))}
            </div>
          </section>
        )}
        <Refused error={save.error} />
        <Group justify="flex-end"><Button type="submit" variant="filled" loading={save.isPending} disabled={!ready}>{t(of ? m.edit : m.create)}</Button></Group>
      </form>
    </Modal>
  );
}
