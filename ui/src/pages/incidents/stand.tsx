import type { ReactNode } from 'react';

import type { EscalationStep, NextStep, Stand, Standing } from '../../api/escalations';
import { type Message, useLanguage, useT } from '../../i18n';
import { useSaid } from '../../i18n/useSaid';
import { clock, span } from '../../ui/format';
import { Ago, StateMark } from '../../ui/parts';
import type { Tone } from '../../ui/tone';

const m = {
  after: { en: 'after {time}', zh: '{time} 后' },
  atOnce: { en: 'at once', zh: '立即' },
  nobody: { en: 'nobody', zh: '无人' },
  onCallIn: { en: 'on call in {schedule}', zh: '{schedule} 的值班人' },
  again: { en: '{n} more times, every {time}', zh: '再重复 {n} 次，间隔 {time}' },
  untilResolved: { en: 'also when acknowledged', zh: '确认后仍执行' },
  due: { en: 'now', zh: '现在' },
};

/** standWords say in one line whether somebody is called, and why nobody is. */
export const standWords: Record<Stand, Message> = {
  none: { en: 'Nobody is called: no policy is for these alerts', zh: '无人被呼叫：没有适用于这些告警的升级策略' },
  waiting: { en: 'The next step waits', zh: '等待下一步' },
  calling: { en: 'Calling now', zh: '正在呼叫' },
  snoozed: { en: 'Waits for the end of the snooze', zh: '等待暂缓结束' },
  acknowledged: { en: 'Stopped: somebody has acknowledged', zh: '已停止：已有人确认' },
  exhausted: { en: 'Stopped: all steps are done, and nobody has acknowledged', zh: '已停止：所有步骤已执行，仍无人确认' },
  policy_gone: { en: 'The policy or the step is no longer in touchline.yaml; another is looked for', zh: 'touchline.yaml 中已没有该策略或步骤；正在寻找适用的策略' },
  over: { en: 'Over', zh: '已结束' },
};

const tones: Record<Stand, Tone> = { none: 'warning', waiting: 'info', calling: 'critical', snoozed: 'quiet', acknowledged: 'good', exhausted: 'critical', policy_gone: 'warning', over: 'quiet' };

export function StandMark({ of }: { of: Standing }): ReactNode {
  const t = useT();
  // A long reason has to break on a phone.
  return <span className="stand"><StateMark tone={tones[of.state]}>{t(standWords[of.state])}</StateMark></span>;
}

/** Whom says whom a step that is to come calls. */
export function Whom({ next }: { next: NextStep }): ReactNode {
  const t = useT();
  const said = useSaid();
  const receivers = (next.receivers ?? []).join(', ');
  return (
    <span style={{ overflowWrap: 'anywhere' }}>
      {next.on_call?.length ? <><b>{next.on_call.join(', ')}</b> <span className="muted">{receivers}</span></> : <b>{receivers || t(m.nobody)}</b>}
      {next.notes?.map((n) => <span key={n} style={{ color: 'var(--warning)' }}> · {said(n)}</span>)}
    </span>
  );
}

/** When says how long until a step, and the time of day. */
export function When({ at, zone }: { at: string; zone: string }): ReactNode {
  const t = useT();
  const l = useLanguage();
  const ms = Date.parse(at);
  return <>{ms <= Date.now() ? t(m.due) : <Ago at={ms} />} <span className="muted">{clock(ms, l, zone)}</span></>;
}

/** StepText says what touchline.yaml has of a step. */
export function StepText({ step }: { step: EscalationStep }): ReactNode {
  const t = useT();
  const time = (seconds: number): string => { const s = span(seconds * 1000); return `${s.number} ${s.unit}`; };
  const whom = [...(step.schedule ? [t(m.onCallIn, { schedule: step.schedule })] : []), ...step.receivers];
  return (
    <span style={{ overflowWrap: 'anywhere' }}>
      <span className="muted">{step.wait_seconds > 0 ? t(m.after, { time: time(step.wait_seconds) }) : t(m.atOnce)}:</span> {whom.join(', ') || t(m.nobody)}
      {step.repeat ? <span className="muted"> · {t(m.again, { n: step.repeat, time: time(step.every_seconds ?? 0) })}</span> : null}
      {step.until_resolved && <span className="muted"> · {t(m.untilResolved)}</span>}
    </span>
  );
}
