import type { ReactNode } from 'react';

import type { Incident, IncidentState, Verdict } from '../../api/incidents';
import { type Message, useLanguage, useT } from '../../i18n';
import { useTime } from '../../time/state';
import { clock } from '../../ui/format';
import { StateMark } from '../../ui/parts';
import { severityTone, type Tone } from '../../ui/tone';
import { snoozed } from './clocks';

export const stateWords: Record<IncidentState, Message> = {
  firing: { en: 'open', zh: '未确认' },
  acknowledged: { en: 'acknowledged', zh: '已确认' },
  resolved: { en: 'resolved', zh: '已恢复' },
  closed: { en: 'closed', zh: '已关闭' },
  merged: { en: 'merged', zh: '已合并' },
};

/** The verdicts, in the words of messages, post-mortems and the command line. */
export const verdictWords: Record<Exclude<Verdict, ''>, Message> = {
  real: { en: 'real', zh: '真实故障' },
  false_alarm: { en: 'false alarm', zh: '误报' },
};

export const isVerdict = (v: unknown): v is keyof typeof verdictWords => typeof v === 'string' && Object.hasOwn(verdictWords, v);

export const snoozedWords = {
  name: { en: 'snoozed', zh: '已暂缓' },
  until: { en: 'snoozed until {at}', zh: '暂缓至 {at}' },
};

/** farAway is from when on a time of day needs its date. */
const farAway = 20 * 3_600_000;

export function incidentTone(i: Pick<Incident, 'state' | 'severity'>): Tone {
  return i.state === 'firing' ? severityTone(i.severity) : i.state === 'acknowledged' ? 'warning' : i.state === 'resolved' ? 'good' : 'quiet';
}

/** IncidentMark says how far an incident is. One that is snoozed says until when, and what it is afterwards. */
export function IncidentMark({ incident }: { incident: Pick<Incident, 'state' | 'severity' | 'snoozed_until'> }): ReactNode {
  const t = useT();
  const l = useLanguage();
  const { zone } = useTime();
  const now = Date.now();
  const until = snoozed(incident, now);
  if (until === undefined) return <StateMark tone={incidentTone(incident)}>{t(stateWords[incident.state])}</StateMark>;
  return <><StateMark tone="quiet">{t(snoozedWords.until, { at: clock(until, l, zone, until - now > farAway) })}</StateMark> <span className="muted">{t(stateWords[incident.state])}</span></>;
}

export const eventWords: Record<string, Message> = {
  first_bad_sample: { en: 'First bad sample', zh: '首个异常样本' },
  due: { en: 'The rule had to fire', zh: '规则应触发' },
  detected: { en: 'Detected', zh: '检测到' },
  opened: { en: 'Opened', zh: '事件创建' },
  alert_fired: { en: 'Alert joined', zh: '告警加入' },
  alert_resolved: { en: 'Alert ended', zh: '告警结束' },
  group_joined: { en: 'Group joined', zh: '告警组加入' },
  notified: { en: 'Told', zh: '已通知' },
  acknowledged: { en: 'Acknowledged', zh: '已确认' },
  unacknowledged: { en: 'Given back', zh: '取消确认' },
  assigned: { en: 'Assigned', zh: '已分派' },
  assignee_called: { en: 'Assignee called', zh: '已呼叫负责人' },
  commented: { en: 'Comment', zh: '评论' },
  snoozed: { en: 'Snoozed', zh: '已暂缓' },
  snooze_ended: { en: 'Snooze ended', zh: '暂缓结束' },
  escalated: { en: 'Escalated', zh: '已升级' },
  merged: { en: 'Merged', zh: '已合并' },
  fired_again: { en: 'Fired again', zh: '再次触发' },
  resolved: { en: 'Resolved', zh: '已恢复' },
  closed: { en: 'Closed', zh: '已关闭' },
  verdict: { en: 'Verdict', zh: '判定' },
  timeline_full: { en: 'Timeline is full', zh: '时间线已满' },
  deploy: { en: 'Deploy', zh: '部署' },
};
