import type { ReactNode } from 'react';

import type { IncidentEvent } from '../../api/incidents';
import { type Message, useLanguage, useT } from '../../i18n';
import { useSaid } from '../../i18n/useSaid';
import { clock, span } from '../../ui/format';
import { Span } from '../../ui/parts';
import { gaps } from './clocks';
import { eventWords, isVerdict, verdictWords } from './words';

const m = {
  notTold: { en: 'Not told', zh: '通知失败' },
  took: { en: 'answered in {n} ms', zh: '{n} ms 后响应' },
  held: { en: 'its for of {n} has passed', zh: 'for（{n}）已满' },
  sinceDue: { en: '{n} ms after that, {all} after the first bad sample', zh: '此后 {n} ms，距首个异常样本 {all}' },
  since: { en: '{n} ms after the first bad sample', zh: '距首个异常样本 {n} ms' },
  until: { en: 'until {at}', zh: '至 {at}' },
  nobody: { en: 'nobody', zh: '无人' },
  takenBack: { en: 'taken back', zh: '已撤销' },
  times: { en: '{n} times', zh: '{n} 次' },
  step: { en: 'step {n}', zh: '第 {n} 步' },
  end: { en: 'told the end', zh: '通知已恢复' },
};

/** What else the server notes of an event, by its name there. */
const fields: Record<string, Message> = {
  class: { en: 'class', zh: '分类' },
  group: { en: 'group', zh: '告警组' },
  via: { en: 'via', zh: '途径' },
};

/** Timeline is what happened, first to last, with the time between. */
export function Timeline({ events, zone }: { events: IncidentEvent[]; zone: string }): ReactNode {
  const t = useT();
  const l = useLanguage();
  const sorted = [...events].sort((a, b) => Date.parse(a.at) - Date.parse(b.at) || a.seq - b.seq);
  const between = gaps(sorted);
  let day = '';
  return (
    <ol style={{ listStyle: 'none', margin: 0, padding: 0 }}>
      {sorted.map((e, n) => {
        const failed = e.kind === 'notified' && e.data?.error !== undefined;
        const date = clock(Date.parse(e.at), l, zone, true);
        const [d, time] = [date.slice(0, -8), date.slice(-8)];
        const newDay = d !== day;
        day = d;
        return (
          <li key={`${e.seq}-${e.kind}`} style={{ display: 'grid', gridTemplateColumns: '92px 72px minmax(0, 1fr)', gap: '0 10px', padding: '4px 0', borderTop: n > 0 ? '1px solid var(--line)' : undefined }}>
            {newDay && <span className="muted" style={{ gridColumn: '1 / -1', fontSize: 11 }}>{d.replace(/[,\s]+$/, '')}</span>}
            <time dateTime={e.at} className="mono muted">{time}.{(/\.(\d{1,3})/.exec(e.at)?.[1] ?? '0').padEnd(3, '0')}</time>
            <span className="muted" style={{ textAlign: 'right' }}>{between[n] === undefined ? '' : <>+<Span ms={between[n]} /></>}</span>
            <div style={{ minWidth: 0, overflowWrap: 'anywhere' }}>
              <b style={{ color: failed ? 'var(--critical)' : undefined, fontWeight: 600 }}>{failed ? t(m.notTold) : eventWords[e.kind] ? t(eventWords[e.kind]!) : e.kind}</b>
              {e.actor && <span className="muted"> · {e.actor}</span>}
              <Detail event={e} zone={zone} />
            </div>
          </li>
        );
      })}
    </ol>
  );
}

/** lasting is a duration in words. */
function lasting(ms: number): string {
  const { number, unit } = span(ms);
  return `${number} ${unit}`;
}

function Detail({ event, zone }: { event: IncidentEvent; zone: string }): ReactNode {
  const t = useT();
  const said = useSaid();
  const l = useLanguage();
  const d = event.data ?? {};
  const text = (key: string): string => {
    const v = d[key];
    return v === undefined || v === null ? '' : Array.isArray(v) ? v.join(', ') : typeof v === 'object' ? JSON.stringify(v) : String(v);
  };
  const ms = (key: string): string => String(Number(Number(d[key]).toPrecision(4)));
  const parts: string[] = [];
  switch (event.kind) {
    case 'notified':
      parts.push(`${text('receiver')}/${text('integration')}`);
      if (d.took_ms !== undefined) parts.push(t(m.took, { n: ms('took_ms') }));
      if (d.since_first_bad_sample_ms !== undefined) parts.push(d.since_due_ms !== undefined ? t(m.sinceDue, { n: ms('since_due_ms'), all: lasting(Number(d.since_first_bad_sample_ms)) }) : t(m.since, { n: ms('since_first_bad_sample_ms') }));
      if (d.error !== undefined) parts.push(text('error'));
      break;
    case 'due':
      parts.push(t(m.held, { n: lasting(Number(d.for_ms)) }));
      break;
    case 'commented':
      return <div style={{ whiteSpace: 'pre-wrap', borderLeft: '2px solid var(--line)', paddingLeft: 8, marginTop: 2 }}>{text('text')}</div>;
    case 'assigned':
      parts.push(text('to') || t(m.nobody));
      break;
    case 'snoozed':
      parts.push(t(m.until, { at: clock(Date.parse(text('until')), l, zone, true) }));
      break;
    case 'verdict':
      parts.push(t(isVerdict(d.verdict) ? verdictWords[d.verdict] : m.takenBack));
      break;
    case 'escalated':
    case 'assignee_called':
      parts.push(text('policy'), text('person') || text('on_call'), d.step === undefined ? '' : t(m.step, { n: text('step') }), d.resolved === true ? t(m.end) : '');
      parts.push(...Object.entries((d.receivers ?? {}) as Record<string, string>).map(([n, v]) => `${n}: ${said(v)}`), ...(Array.isArray(d.notes) ? d.notes.map((n) => said(String(n))) : []));
      break;
    case 'fired_again':
      parts.push(t(m.times, { n: text('times') }));
      break;
    case 'merged':
      parts.push(d.into !== undefined ? `→ #${text('into')}` : `← #${text('from')} ${text('title')}`);
      break;
    case 'alert_fired':
    case 'alert_resolved':
      parts.push(text('alert'), Object.entries((d.labels ?? {}) as Record<string, string>).filter(([n]) => n !== 'alertname' && n !== 'severity').map(([n, v]) => `${n}=${v}`).join(' '));
      break;
    default:
      for (const key of Object.keys(d)) if (key !== 'after_ms') parts.push(key === 'reason' || key === 'text' || key === 'title' || key === 'rule' || key === 'receiver' ? text(key) : `${fields[key] ? t(fields[key]) : key} ${text(key)}`);
  }
  const shown = parts.filter(Boolean).join(' · ');
  return shown === '' ? null : <div className={d.error === undefined ? 'muted' : undefined}>{shown}</div>;
}

