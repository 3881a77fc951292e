import { Button, TextInput } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';

import { useMe } from '../../api/me';
import { addOverride, calendarLink, dropOverride, overrides, type Schedule, schedules, type Shift, shifts } from '../../api/schedules';
import { prefix } from '../../app/base';
import { useLanguage, useT } from '../../i18n';
import { useAddress } from '../../ui/address';
import { clock } from '../../ui/format';
import { Ago, Card, Empty, Failed, Loading, Page } from '../../ui/parts';
import { MayNot, Refused } from '../../ui/Refused';
import { instantOf } from '../alerts/recurrence';
import { IncidentTabs } from './Tabs';

const m = {
  title: { en: 'On call', zh: '值班' },
  sentence: { en: '{who} on call now.', zh: '当前值班：{who}。' },
  nobody: { en: 'nobody', zh: '无人' },
  next: { en: 'next: {who}', zh: '下一位：{who}' },
  override: { en: 'Stand in', zh: '替班' },
  who: { en: 'Who', zh: '人员' },
  from: { en: 'From', zh: '从' },
  to: { en: 'To', zh: '到' },
  drop: { en: 'Take back', zh: '撤销' },
  by: { en: 'by {who}', zh: '由 {who} 创建' },
  feed: { en: 'Calendar link', zh: '日历订阅链接' },
  keep: { en: 'Treat this address like a key. It is good until', zh: '请像密钥一样保管此地址。有效期至' },
  earlier: { en: 'Earlier', zh: '更早' },
  later: { en: 'Later', zh: '更晚' },
  today: { en: 'Today', zh: '今天' },
  none: { en: 'There is no schedule', zh: '没有值班表' },
  how: { en: 'Write people and schedules into touchline.yaml, then check it:', zh: '在 touchline.yaml 中填写 people 和 schedules，然后检查：' },
  standsIn: { en: 'stands in', zh: '替班' },
};

const day = 86_400_000;
const hues = [150, 205, 35, 275, 340, 95, 235, 15];

export function OnCall(): ReactNode {
  const t = useT();
  const { value, change } = useAddress();
  const { me, may } = useMe();
  const q = useQuery({ queryKey: ['schedules'], queryFn: ({ signal }) => schedules(signal), refetchInterval: 10_000 });
  const week = Math.max(-260, Math.min(260, Math.trunc(Number(value('week')) || 0)));
  const list = q.data ?? [];
  const now = list.map((s) => `${s.name}: ${(s.on_call ?? []).join(', ') || t(m.nobody)}`).join(' · ');
  return (
    <>
      <IncidentTabs />
      <Page title={t(m.title)} sentence={q.data && list.length > 0 ? t(m.sentence, { who: now }) : undefined}
        actions={<>{!may('respond') && <MayNot anonymous={me?.method === 'anonymous'} />}<Button.Group><Button variant="default" onClick={() => change({ week: week - 1 === 0 ? '' : String(week - 1) })}>{t(m.earlier)}</Button><Button variant="default" disabled={week === 0} onClick={() => change({ week: '' })}>{t(m.today)}</Button><Button variant="default" onClick={() => change({ week: week + 1 === 0 ? '' : String(week + 1) })}>{t(m.later)}</Button></Button.Group></>}>
        {q.error ? <Failed error={q.error} retry={() => void q.refetch()} /> : !q.data ? <Loading height={300} /> : list.length === 0 ? <Card><Empty title={t(m.none)}><span>{t(m.how)}</span><code>touchline check touchline.yaml</code></Empty></Card> : (
          <div style={{ display: 'grid', gap: 12 }}>{list.map((s) => <ScheduleCard key={s.name} schedule={s} week={week} />)}</div>
        )}
      </Page>
    </>
  );
}

/** midnight is the beginning of the day of a moment in a zone. */
function midnight(at: number, zone: string): number {
  const [y, mo, d] = new Intl.DateTimeFormat('en-CA', { timeZone: zone, year: 'numeric', month: '2-digit', day: '2-digit' }).format(at).split('-').map(Number);
  return instantOf(Date.UTC(y!, mo! - 1, d!), zone);
}

function ScheduleCard({ schedule: s, week }: { schedule: Schedule; week: number }): ReactNode {
  const t = useT();
  const l = useLanguage();
  const { may } = useMe();
  const client = useQueryClient();
  const zone = s.time_zone || 'UTC';
  const first = midnight(Date.now() + week * 7 * day, zone);
  const days = Array.from({ length: 15 }, (_, n) => midnight(first + n * day + 6 * 3_600_000, zone));
  const end = days[14]!;
  const q = useQuery({ queryKey: ['shifts', s.name, first], queryFn: ({ signal }) => shifts(s.name, new Date(first), new Date(end), signal), refetchInterval: 30_000, placeholderData: (old) => old });
  const over = useQuery({ queryKey: ['overrides', s.name], queryFn: ({ signal }) => overrides(s.name, signal), refetchInterval: 30_000 });
  const again = (): void => void Promise.all(['shifts', 'overrides', 'schedules'].map((k) => client.invalidateQueries({ queryKey: [k] })));
  const drop = useMutation({ mutationFn: (id: number) => dropOverride(s.name, id), onSettled: again });
  const link = useMutation({ mutationFn: () => calendarLink(s.name, '', l) });
  const people = [...new Set((q.data ?? []).map((x) => x.person))].sort();
  const place = (at: number): number => ((Math.min(Math.max(at, first), end) - first) / (end - first)) * 100;
  const bar = (x: Shift, n: number): ReactNode => {
    const left = place(Date.parse(x.from));
    const hue = hues[people.indexOf(x.person) % hues.length]!;
    const label = `${x.person}, ${clock(Date.parse(x.from), l, zone, true)} – ${clock(Date.parse(x.to), l, zone, true)}${x.override ? `, ${t(m.standsIn)}` : ''}`;
    return <div key={n} role="listitem" title={label} aria-label={label} className="ellipsis" style={{ position: 'absolute', left: `${left}%`, width: `calc(${place(Date.parse(x.to)) - left}% - 2px)`, top: 4, bottom: 4, boxSizing: 'border-box', padding: '3px 6px', borderRadius: 4, fontSize: 11, background: `hsl(${hue} 60% 45% / 0.2)`, borderLeft: `2px ${x.override ? 'dashed' : 'solid'} hsl(${hue} 55% 45%)` }}>{x.person}</div>;
  };
  return (
    <Card title={<>{s.name} <span className="muted" style={{ fontWeight: 400 }}>{zone}</span></>} actions={<span className="muted">{s.next && <>{t(m.next, { who: s.next })} <Ago at={s.next_hand_over} /></>}</span>}>
      <div style={{ fontSize: 15, marginBottom: 8 }}><b>{(s.on_call ?? []).join(', ') || t(m.nobody)}</b></div>
      {q.error ? <Failed error={q.error} retry={() => void q.refetch()} /> : !q.data ? <Loading height={64} /> : (
        <div style={{ overflowX: 'auto' }} tabIndex={0} role="group" aria-label={s.name}>
          <div style={{ minWidth: 720 }}>
            <div style={{ display: 'grid', gridTemplateColumns: 'repeat(14, 1fr)' }} aria-hidden>
              {days.slice(0, 14).map((d) => {
                const weekend = ['Sat', 'Sun'].includes(new Intl.DateTimeFormat('en-GB', { timeZone: zone, weekday: 'short' }).format(d + 3_600_000));
                return <div key={d} className={weekend ? 'muted' : undefined} style={{ fontSize: 11, padding: '0 4px', borderLeft: '1px solid var(--line)', fontWeight: Date.now() >= d && Date.now() < d + day ? 700 : 400 }}>{new Intl.DateTimeFormat(l === 'zh' ? 'zh-CN' : 'en-GB', { timeZone: zone, weekday: 'short', day: 'numeric' }).format(d + 3_600_000)}</div>;
              })}
            </div>
            <div role="list" style={{ position: 'relative', height: 34, border: '1px solid var(--line)', borderRadius: 4, backgroundImage: 'linear-gradient(to right, var(--line) 1px, transparent 1px)', backgroundSize: `${100 / 14}% 100%` }}>
              {q.data.map(bar)}
              {week <= 0 && Date.now() < end && <div aria-hidden style={{ position: 'absolute', left: `${place(Date.now())}%`, top: -2, bottom: -2, width: 2, background: 'var(--accent)' }} />}
            </div>
          </div>
        </div>
      )}
      {(over.data ?? []).map((o) => (
        <div key={o.id} style={{ display: 'flex', flexWrap: 'wrap', gap: 10, alignItems: 'baseline', marginTop: 8 }}>
          <b>{o.person}</b><span className="muted">{t(m.standsIn)} {clock(Date.parse(o.from), l, zone, true)} – {clock(Date.parse(o.to), l, zone, true)} · {t(m.by, { who: o.by })}</span>
          {may('respond') && <Button size="compact-xs" variant="default" onClick={() => drop.mutate(o.id)}>{t(m.drop)}</Button>}
        </div>
      ))}
      <Refused error={drop.error ?? link.error} />
      {may('respond') && <div style={{ display: 'flex', flexWrap: 'wrap', gap: 8, marginTop: 10, alignItems: 'flex-end' }}><OverrideForm schedule={s} zone={zone} done={again} /><Button variant="default" style={{ marginLeft: 'auto' }} loading={link.isPending} onClick={() => link.mutate()}>{t(m.feed)}</Button></div>}
      {link.data && <div style={{ marginTop: 8, overflowWrap: 'anywhere' }}><span className="muted">{t(m.keep)} {clock(Date.parse(link.data.expires), l, zone, true)}</span><br /><code style={{ userSelect: 'all' }}>{window.location.origin}{link.data.path.startsWith(prefix) ? '' : prefix}{link.data.path}</code></div>}
    </Card>
  );
}

function OverrideForm({ schedule, zone, done }: { schedule: Schedule; zone: string; done: () => void }): ReactNode {
  const t = useT();
  const [person, setPerson] = useState('');
  const [from, setFrom] = useState('');
  const [to, setTo] = useState('');
  const at = (text: string): string => new Date(instantOf(Date.parse(`${text}Z`), zone)).toISOString();
  const save = useMutation({ mutationFn: () => addOverride(schedule.name, { person: person.trim(), from: at(from), to: at(to) }), onSuccess: () => { setPerson(''); setFrom(''); setTo(''); done(); } });
  const ready = person.trim() !== '' && from !== '' && to > from;
  return (
    <form style={{ display: 'flex', flexWrap: 'wrap', gap: 8, alignItems: 'flex-end' }} onSubmit={(e) => { e.preventDefault(); if (ready) save.mutate(); }}>
      <TextInput label={t(m.who)} w={110} value={person} maxLength={200} onChange={(e) => setPerson(e.currentTarget.value)} />
      <TextInput type="datetime-local" label={t(m.from)} value={from} onChange={(e) => setFrom(e.currentTarget.value)} />
      <TextInput type="datetime-local" label={t(m.to)} value={to} onChange={(e) => setTo(e.currentTarget.value)} />
      <Button type="submit" variant="default" loading={save.isPending} disabled={!ready}>{t(m.override)}</Button>
      {save.error ? <div style={{ flexBasis: '100%' }}><Refused error={save.error} /></div> : null}
    </form>
  );
}
