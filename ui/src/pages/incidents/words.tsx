import type { ReactNode } from 'react';

import type { Incident, IncidentState } from '../../api/incidents';
import { type Message, useT } from '../../i18n';
import { StateMark } from '../../ui/parts';
import { severityTone, type Tone } from '../../ui/tone';

export const stateWords: Record<IncidentState, Message> = {
  firing: { en: 'open', zh: '未确认' },
  acknowledged: { en: 'acknowledged', zh: '已确认' },
  resolved: { en: 'resolved', zh: '已恢复' },
  closed: { en: 'closed', zh: '已关闭' },
  merged: { en: 'merged', zh: '已合并' },
};

export function incidentTone(i: Pick<Incident, 'state' | 'severity'>): Tone {
  return i.state === 'firing' ? severityTone(i.severity) : i.state === 'acknowledged' ? 'warning' : i.state === 'resolved' ? 'good' : 'quiet';
}

export function IncidentMark({ incident }: { incident: Pick<Incident, 'state' | 'severity'> }): ReactNode {
  const t = useT();
  return <StateMark tone={incidentTone(incident)}>{t(stateWords[incident.state])}</StateMark>;
}

export const eventWords: Record<string, Message> = {
  first_bad_sample: { en: 'First bad sample', zh: '首个异常样本' },
  detected: { en: 'Detected', zh: '检测到' },
  opened: { en: 'Opened', zh: '事件创建' },
  alert_fired: { en: 'Alert joined', zh: '告警加入' },
  alert_resolved: { en: 'Alert ended', zh: '告警结束' },
  group_joined: { en: 'Group joined', zh: '告警组加入' },
  notified: { en: 'Told', zh: '已通知' },
  acknowledged: { en: 'Acknowledged', zh: '已确认' },
  unacknowledged: { en: 'Given back', zh: '取消确认' },
  assigned: { en: 'Assigned', zh: '已分派' },
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
