import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';

import { escalation, type Made } from '../../api/escalations';
import { useLanguage, useT } from '../../i18n';
import { useSaid } from '../../i18n/useSaid';
import { below } from '../../ui/address';
import { clock } from '../../ui/format';
import { Card, Failed, Loading, StateMark } from '../../ui/parts';
import { answerTone } from './answer';
import { StandMark, StepText, When, Whom } from './stand';

const m = {
  title: { en: 'Escalation', zh: '升级' },
  policy: { en: 'policy', zh: '策略' },
  next: { en: 'Next: step {n} of {all}', zh: '下一步：第 {n} 步，共 {all} 步' },
  repetition: { en: 'repetition {n}', zh: '第 {n} 次重复' },
  steps: { en: 'Steps', zh: '步骤' },
  calls: { en: 'Who was called', zh: '呼叫记录' },
  noCalls: { en: 'Nobody has been called yet.', zh: '尚未呼叫任何人。' },
  step: { en: 'Step {n}', zh: '第 {n} 步' },
  end: { en: 'Told the end', zh: '通知已恢复' },
  changed: { en: 'Policy', zh: '策略' },
  done: { en: 'done', zh: '已执行' },
  upNext: { en: 'next', zh: '下一步' },
  policies: { en: 'All policies', zh: '全部策略' },
};

/** Escalation says who was called for an incident, who is next, and why nobody is. */
export function Escalation({ id, zone }: { id: number; zone: string }): ReactNode {
  const t = useT();
  const q = useQuery({ queryKey: ['escalation', id], queryFn: ({ signal }) => escalation(id, signal), refetchInterval: (now) => (now.state.data?.state === 'over' ? 30_000 : 2000) });
  const e = q.data;
  return (
    <Card title={<>{t(m.title)} {e?.policy && <span className="muted" style={{ fontWeight: 400 }}>{t(m.policy)} {e.policy}</span>}</>} actions={<Link {...below('/escalations')}>{t(m.policies)}</Link>}>
      {q.error && <Failed error={q.error} retry={() => void q.refetch()} />}
      {!e ? !q.error && <Loading height={96} /> : (
        <div style={{ display: 'grid', gap: 8 }}>
          <StandMark of={e} />
          {e.next && (
            <div role="status">
              {t(m.next, { n: e.next.step, all: e.steps.length })}{e.next.repetition ? ` · ${t(m.repetition, { n: e.next.repetition })}` : ''}, <When at={e.next.at} zone={zone} />: <Whom next={e.next} />
            </div>
          )}
          {e.steps.length > 0 && (
            <ol aria-label={t(m.steps)} style={{ margin: 0, paddingLeft: 22 }}>
              {e.steps.map((s, n) => {
                const mark = e.next?.step === n + 1 ? m.upNext : e.calls.some((c) => c.step === n + 1 && c.policy === e.policy) ? m.done : undefined;
                return <li key={n}><StepText step={s} />{mark && <span className="muted"> · {t(mark)}</span>}</li>;
              })}
            </ol>
          )}
          {e.state !== 'none' && <Calls calls={e.calls} zone={zone} />}
        </div>
      )}
    </Card>
  );
}

function Calls({ calls, zone }: { calls: Made[]; zone: string }): ReactNode {
  const t = useT();
  const said = useSaid();
  const l = useLanguage();
  if (calls.length === 0) return <span className="muted">{t(m.noCalls)}</span>;
  return (
    <div>
      <h3 style={{ fontSize: 12, margin: '4px 0' }}>{t(m.calls)}</h3>
      <ol style={{ listStyle: 'none', margin: 0, padding: 0 }}>
        {[...calls].reverse().map((c, n) => (
          <li key={n} style={{ display: 'grid', gridTemplateColumns: '68px minmax(0, 1fr)', gap: '0 10px', padding: '4px 0', borderTop: '1px solid var(--line)' }}>
            <time dateTime={c.at} title={clock(Date.parse(c.at), l, zone, true)} className="mono muted">{clock(Date.parse(c.at), l, zone)}</time>
            <div style={{ minWidth: 0, overflowWrap: 'anywhere' }}>
              <b style={{ fontWeight: 600 }}>{c.resolved ? t(m.end) : c.step ? t(m.step, { n: c.step }) : t(m.changed)}</b>
              {c.repetition ? <span className="muted"> · {t(m.repetition, { n: c.repetition })}</span> : null}
              {c.on_call?.length ? <span className="muted"> · {c.on_call.join(', ')}</span> : null}
              {Object.entries(c.receivers ?? {}).sort(([a], [b]) => (a < b ? -1 : 1)).map(([receiver, answer]) => (
                <div key={receiver}><StateMark tone={answerTone(answer)}>{receiver}</StateMark> <span className="muted">{said(answer)}</span></div>
              ))}
              {c.notes?.map((note) => <div key={note} style={{ color: 'var(--warning)' }}>{said(note)}</div>)}
            </div>
          </li>
        ))}
      </ol>
    </div>
  );
}
