import type { ReactNode } from 'react';

import type { BacktestReport } from '../../api/backtest';
import { useLanguage, useT } from '../../i18n';
import { useSaid } from '../../i18n/useSaid';
import { clock, digits, span } from '../../ui/format';
import { LabelList, Notice } from '../../ui/parts';

const m = {
  fired: { en: 'alerts', zh: '告警' },
  fired1: { en: 'alert', zh: '告警' },
  flaps1: { en: 'flap', zh: '次抖动' },
  pages: { en: 'pages a week', zh: '次通知/周' },
  flaps: { en: 'flaps', zh: '次抖动' },
  share: { en: 'of the time firing', zh: '的时间处于触发' },
  delay: { en: 'detection delay (p95)', zh: '检测延迟（p95）' },
  failing: { en: '{n} of {all} evaluations failed: {why}', zh: '{all} 次求值中有 {n} 次失败：{why}' },
  noData: { en: 'Found nothing in the period: {what}', zh: '此期间没有数据：{what}' },
  from: { en: 'From', zh: '开始' },
  to: { en: 'To', zh: '结束' },
  labels: { en: 'Labels', zh: '标签' },
  still: { en: 'still firing', zh: '仍在触发' },
  more: { en: '{n} more', zh: '另有 {n} 个' },
};

/** BacktestResult is what a rule would have done over stored data. */
export function BacktestResult({ report, zone }: { report: BacktestReport; zone: string }): ReactNode {
  const t = useT();
  const said = useSaid();
  const l = useLanguage();
  const rule = report.rules[0];
  const f = rule?.after;
  if (!rule || !f) return null;
  const p95 = f.detection_delay ? span(f.detection_delay.p95 * 1000) : undefined;
  const figures: [string, string][] = [
    [digits(f.alerts + f.firing_at_start), t(f.alerts + f.firing_at_start === 1 ? m.fired1 : m.fired)], [digits(Math.round(f.pages_per_week * 10) / 10), t(m.pages)], [String(f.flaps), t(f.flaps === 1 ? m.flaps1 : m.flaps)], [`${digits(f.firing_share * 100)} %`, t(m.share)],
    ...(p95 ? [[`${p95.number} ${p95.unit}`, t(m.delay)] as [string, string]] : []),
  ];
  const some = rule.new_examples ?? [];
  return (
    <div>
      <div style={{ display: 'flex', gap: '4px 20px', flexWrap: 'wrap' }} role="status">{figures.map(([n, what]) => <span key={what}><b style={{ fontSize: 15 }}>{n}</b> <span className="muted">{what}</span></span>)}</div>
      {f.failures > 0 && <Notice tone="warning">{t(m.failing, { n: f.failures, all: f.evaluations, why: f.first_failure ?? '' })}</Notice>}
      {f.no_data && f.no_data.length > 0 && <Notice tone="warning">{t(m.noData, { what: f.no_data.join(', ') })}</Notice>}
      {some.length > 0 && (
        <div className="table-scroll" style={{ maxHeight: 260, overflow: 'auto' }}>
          <table className="table as-cards">
            <thead><tr><th>{t(m.from)}</th><th>{t(m.to)}</th><th>{t(m.labels)}</th></tr></thead>
            <tbody>{some.map((x, i) => (
              <tr key={i}><td data-name={t(m.from)}>{clock(Date.parse(x.fired), l, zone, true)}</td><td data-name={t(m.to)}>{x.resolved ? clock(Date.parse(x.resolved), l, zone, true) : t(m.still)}</td><td data-name={t(m.labels)}><LabelList labels={x.labels} without={['alertname']} /></td></tr>
            ))}</tbody>
          </table>
        </div>
      )}
      {rule.new > some.length && <div className="muted">{t(m.more, { n: rule.new - some.length })}</div>}
      {(report.limits ?? []).map((x) => <div key={x} className="muted" style={{ fontSize: 11 }}>{said(x)}</div>)}
    </div>
  );
}
