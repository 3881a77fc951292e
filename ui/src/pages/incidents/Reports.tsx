import { Button } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';

import { incidentReport, type Spread } from '../../api/incidents';
import { useLanguage, useT } from '../../i18n';
import { below, useAddress } from '../../ui/address';
import { clock, digits } from '../../ui/format';
import { Card, Empty, Failed, Loading, Notice, Page, Span } from '../../ui/parts';
import { IncidentTabs } from './Tabs';

const m = {
  title: { en: 'Reports', zh: '报告' },
  sentence: { en: '{n} incidents in {w} weeks; {c} calls.', zh: '{w} 周内 {n} 个事件，呼叫 {c} 次。' },
  weeks: { en: '{n} weeks', zh: '{n} 周' },
  precision: { en: 'Precision', zh: '准确率' },
  judged: { en: 'of {n} that were judged', zh: '已判定 {n} 个' },
  hintRight: { en: 'First hint right', zh: '首个提示正确' },
  hintThree: { en: 'one of three right', zh: '前三个中有正确的' },
  notJudged: { en: 'none is judged yet', zh: '尚无判定' },
  perWeek: { en: 'Incidents and calls by week', zh: '每周事件与呼叫' },
  week: { en: 'Week of', zh: '周起始' },
  incidents: { en: 'Incidents', zh: '事件' },
  calls: { en: 'Calls', zh: '呼叫' },
  times: { en: 'Times by severity: mean, p50, p95', zh: '各级别用时：均值、p50、p95' },
  severity: { en: 'Severity', zh: '级别' },
  detect: { en: 'Detect and tell', zh: '检测并通知' },
  tell: { en: 'Of it after the rule\'s for', zh: '其中 for 结束之后' },
  acknowledge: { en: 'Acknowledge', zh: '确认' },
  repair: { en: 'Repair', zh: '修复' },
  noisy: { en: 'Noisiest rules', zh: '最频繁的规则' },
  rule: { en: 'Rule', zh: '规则' },
  fired: { en: 'Fired', zh: '触发' },
  falseAlarms: { en: 'False alarms', zh: '误报' },
  woken: { en: 'Who was called', zh: '呼叫记录' },
  none: { en: 'No incident in this time', zh: '此期间没有事件' },
  cut: { en: 'There were more incidents than one report takes; it covers the newest of them.', zh: '事件数量超出单份报告上限，仅统计最近的部分。' },
  nobody: { en: 'Nobody was called', zh: '无人被呼叫' },
};

export function Reports(): ReactNode {
  const t = useT();
  const l = useLanguage();
  const { value, change } = useAddress();
  const n = [1, 4, 13, 26, 52].includes(Number(value('weeks'))) ? Number(value('weeks')) : 4;
  const q = useQuery({
    queryKey: ['incident-report', n], refetchInterval: 60_000, placeholderData: keepPreviousData,
    queryFn: ({ signal }) => incidentReport(new Date(Date.now() - n * 7 * 86_400_000), new Date(), signal),
  });
  const r = q.data;
  const spread = (s: Spread): ReactNode => (s.count === 0 ? <span className="muted">–</span> : <><b><Span ms={s.mean * 1000} /></b> <span className="muted"><Span ms={s.p50 * 1000} /> <Span ms={s.p95 * 1000} /></span></>);
  const most = Math.max(1, ...(r?.weeks ?? []).map((w) => w.incidents));
  return (
    <>
      <IncidentTabs />
      <Page title={t(m.title)} sentence={r && t(m.sentence, { n: r.incidents, w: n, c: (r.weeks ?? []).reduce((sum, w) => sum + w.calls, 0) })}
        actions={<Button.Group style={{ flexWrap: 'wrap' }}>{[1, 4, 13, 26, 52].map((w) => <Button key={w} variant={w === n ? 'light' : 'default'} aria-pressed={w === n} onClick={() => change({ weeks: w === 4 ? '' : String(w) })}>{t(m.weeks, { n: w })}</Button>)}</Button.Group>}>
        {q.error && <Failed error={q.error} retry={() => void q.refetch()} />}
        {!r ? !q.error && <Loading height={360} /> : r.incidents === 0 ? <Card><Empty title={t(m.none)} /></Card> : (
          <div className="grid">
            {r.cut && <div style={{ gridColumn: '1 / -1' }}><Notice tone="warning">{t(m.cut)}</Notice></div>}
            <Card columns={4} title={t(m.precision)}>
              <div className="figure">{r.precision === undefined || r.judged === 0 ? '–' : digits(r.precision * 100)}<span className="unit">%</span></div>
              <div className="muted">{r.judged === 0 ? t(m.notJudged) : t(m.judged, { n: r.judged })}</div>
              <div style={{ marginTop: 8 }}>{t(m.hintRight)}: {r.hints.judged === 0 ? <span className="muted">{t(m.notJudged)}</span> : <><b>{digits(r.hints.top1 * 100)} %</b> <span className="muted">{t(m.hintThree)} {digits(r.hints.top3 * 100)} %</span></>}</div>
            </Card>
            <Card columns={8} flush title={t(m.perWeek)}>
              <table className="table"><thead><tr><th>{t(m.week)}</th><th>{t(m.incidents)}</th><th className="num">{t(m.calls)}</th></tr></thead><tbody>
                {(r.weeks ?? []).map((w) => <tr key={w.begin}><td style={{ whiteSpace: 'nowrap' }}>{new Date(w.begin).toLocaleDateString(l === 'zh' ? 'zh-CN' : 'en-GB')}</td><td style={{ width: '70%' }}><div style={{ display: 'flex', gap: 8, alignItems: 'center' }}><span aria-hidden style={{ height: 8, borderRadius: 2, background: 'var(--info)', width: `${(w.incidents / most) * 80}%` }} />{w.incidents}</div></td><td className="num">{w.calls}</td></tr>)}
              </tbody></table>
            </Card>
            <Card columns={12} flush title={t(m.times)}>
              <div className="table-scroll"><table className="table as-cards"><thead><tr><th>{t(m.severity)}</th><th className="num">{t(m.incidents)}</th><th>{t(m.detect)}</th><th>{t(m.tell)}</th><th>{t(m.acknowledge)}</th><th>{t(m.repair)}</th></tr></thead><tbody>
                {(r.severities ?? []).map((s) => <tr key={s.severity}><td data-name={t(m.severity)}>{s.severity}</td><td data-name={t(m.incidents)} className="num">{s.incidents}</td><td data-name={t(m.detect)}><span>{spread(s.detect)}</span></td><td data-name={t(m.tell)}><span>{spread(s.tell)}</span></td><td data-name={t(m.acknowledge)}><span>{spread(s.acknowledge)}</span></td><td data-name={t(m.repair)}><span>{spread(s.repair)}</span></td></tr>)}
              </tbody></table></div>
            </Card>
            <Card columns={6} flush title={t(m.noisy)}>
              <table className="table"><thead><tr><th>{t(m.rule)}</th><th className="num">{t(m.incidents)}</th><th className="num">{t(m.fired)}</th><th className="num">{t(m.falseAlarms)}</th></tr></thead><tbody>
                {(r.rules ?? []).slice(0, 30).map((x) => <tr key={x.name}><td style={{ overflowWrap: 'anywhere' }}><Link {...below(`/rules?q=${encodeURIComponent(x.name)}`)}>{x.name}</Link></td><td className="num">{x.incidents}</td><td className="num">{x.fired}</td><td className="num">{x.false_alarms}</td></tr>)}
              </tbody></table>
            </Card>
            <Card columns={6} flush title={t(m.woken)}>
              {(r.woken ?? []).length === 0 ? <Empty title={t(m.nobody)} /> : <table className="table"><tbody>
                {(r.woken ?? []).slice(0, 50).map((w, k) => <tr key={k}><td style={{ whiteSpace: 'nowrap' }}>{clock(Date.parse(w.at), l, 'browser', true)}</td><td>{(w.people ?? []).join(', ') || (w.receivers ?? []).join(', ')}</td><td className="num"><Link {...below(`/incidents/${w.incident}`)}>#{w.incident}</Link></td></tr>)}
              </tbody></table>}
            </Card>
          </div>
        )}
      </Page>
    </>
  );
}
