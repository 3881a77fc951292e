import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';

import { alerts, matches } from '../../api/alertmanager';
import { passing } from '../../api/passing';
import { type ActiveAlert, type AlertingRule, ruleGroups } from '../../api/prometheus';
import { useT } from '../../i18n';
import { Ago, Failed, LabelList, Loading, StateMark } from '../../ui/parts';
import { severityTone } from '../../ui/tone';
import type { BodyProps } from '../contract';
import { bag, choice, flag, num, text } from '../options';

const m = {
  none: { en: 'No alert matches. {n} rules are watched.', zh: '没有匹配的告警。共监控 {n} 条规则。' },
  silenced: { en: 'silenced', zh: '已静默' },
  pending: { en: 'pending', zh: '待触发' },
  firing: { en: 'firing', zh: '触发中' },
  more: { en: '{n} more', zh: '另有 {n} 条' },
};

/** selects reads {a="b", c!="d"} as Grafana's panel has it. What cannot be read selects nothing and is said. */
export function selects(filter: string, labels: Record<string, string>): boolean {
  const inner = filter.trim().replace(/^\{|\}$/g, '').trim();
  if (inner === '') return true;
  const parts = [...inner.matchAll(/\s*([\w.]+)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"\s*(?:,|$)/g)];
  if (parts.length === 0 || parts.reduce((n, x) => n + x[0].length, 0) !== inner.length) return false;
  return parts.every(([, name, op, raw]) => {
    const v = labels[name!] ?? '';
    const want = raw!.replace(/\\(.)/g, '$1');
    if (op === '=' || op === '!=') return (v === want) === (op === '=');
    return matches({ name: name!, value: want, isRegex: true, isEqual: op === '=~' }, labels);
  });
}

/** Each refresh has a key of its own: what was before is shown until the next is there, and is not kept. */
const replaced = { ...passing, placeholderData: <T,>(old: T | undefined) => old };

/** AlertList shows the alerts that rules have raised, with the panel's filters. */
export function AlertList(p: BodyProps): ReactNode {
  const t = useT();
  const o = p.panel.options;
  const rules = useQuery({ queryKey: ['panels', 'rules', p.range.to], queryFn: ({ signal }) => ruleGroups(signal), ...replaced });
  const silenced = useQuery({ queryKey: ['panels', 'silenced', p.range.to], queryFn: ({ signal }) => alerts({ active: false, silenced: true, inhibited: false }, signal), ...replaced });
  if (rules.isPending) return <Loading height={p.height} />;
  if (rules.isError && !rules.data) return <Failed error={rules.error} retry={() => void rules.refetch()} />;
  const states = bag(o, 'stateFilter');
  const want = { firing: flag(states, 'firing', flag(states, 'error', true)), pending: flag(states, 'pending', true) };
  const name = p.replace(text(o, 'alertName'), 'text').toLowerCase();
  const filter = p.replace(text(o, 'alertInstanceLabelFilter'), 'text');
  const all = (rules.data ?? []).flatMap((g) => g.rules).filter((r): r is AlertingRule => r.type === 'alerting');
  const quiet = new Set((silenced.data ?? []).map((a) => key(a.labels)));
  const found = all.flatMap((r) => r.alerts.map((alert) => ({ rule: r, alert }))).filter(({ rule, alert }) => want[alert.state] && rule.name.toLowerCase().includes(name) && selects(filter, alert.labels));
  const order = num(o, 'sortOrder') ?? 1;
  found.sort((a, b) => (order === 2 ? b.rule.name.localeCompare(a.rule.name) : order === 1 ? a.rule.name.localeCompare(b.rule.name) : Date.parse(b.alert.activeAt) - Date.parse(a.alert.activeAt)));
  const most = Math.max(1, Math.min(500, num(o, 'maxItems') ?? 20));
  if (choice(o, 'viewMode', ['list', 'stat'] as const, 'list') === 'stat') {
    return <div className="panel-empty" style={{ height: p.height }}><b className="figure" style={{ color: found.length > 0 ? 'var(--critical)' : 'var(--good)' }}>{found.length}</b></div>;
  }
  if (found.length === 0) return <div className="panel-empty" style={{ height: p.height }}><StateMark tone="good">{t(m.none, { n: all.length })}</StateMark></div>;
  return (
    <div className="list-panel" style={{ height: p.height }} tabIndex={0}>
      <ul>
        {found.slice(0, most).map(({ rule, alert }) => (
          <li key={rule.name + key(alert.labels)}>
            <Mark alert={alert} silenced={quiet.has(key(alert.labels))} />
            <span style={{ minWidth: 0 }}><b>{rule.name}</b> <LabelList labels={alert.labels} without={['alertname', 'severity']} /></span>
            <span className="end"><Ago at={alert.activeAt} /></span>
          </li>
        ))}
      </ul>
      {found.length > most && <div className="panel-note">{t(m.more, { n: found.length - most })}</div>}
    </div>
  );
}

const key = (labels: Record<string, string>): string => JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));

function Mark({ alert, silenced }: { alert: ActiveAlert; silenced: boolean }): ReactNode {
  const t = useT();
  if (silenced) return <StateMark tone="quiet">{t(m.silenced)}</StateMark>;
  return alert.state === 'pending' ? <StateMark tone="warning">{t(m.pending)}</StateMark> : <StateMark tone={severityTone(alert.labels.severity)}>{t(m.firing)}</StateMark>;
}
