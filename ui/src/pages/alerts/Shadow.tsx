import { Button, FileButton, Textarea } from '@mantine/core';
import { type ReactNode, useMemo, useState } from 'react';

import { type Message, useLanguage, useT } from '../../i18n';
import { useSaid } from '../../i18n/useSaid';
import { useTime } from '../../time/state';
import { useAddress } from '../../ui/address';
import { clock, digits, span } from '../../ui/format';
import { Card, LabelList, Notice, Page, StateMark } from '../../ui/parts';
import { bounds, readShadow, type ShadowAlert, type ShadowPair, type ShadowReport, type ShadowRule, type Sooner, spreadOf } from './shadow';
import { AlertTabs } from './Tabs';

const m = {
  title: { en: 'Shadow report', zh: '影子运行报告' },
  sentence: { en: 'Opens a report of touchline shadow. It stays in this browser.', zh: '打开 touchline shadow 的报告。内容仅保留在此浏览器中。' },
  good: { en: 'None of {n} alerts was missed in {long}; {x} were extra.', zh: '{long} 内 {n} 次告警均未遗漏；多出 {x} 次。' },
  bad: { en: '{k} of {n} alerts were missed in {long}; {x} were extra.', zh: '{long} 内 {n} 次告警遗漏 {k} 次；多出 {x} 次。' },
  none: { en: 'In {long} the pair had no alert to compare; {x} were extra.', zh: '{long} 内对方没有可对比的告警；多出 {x} 次。' },
  open: { en: 'Open a file', zh: '打开文件' },
  other: { en: 'Open another', zh: '打开其他报告' },
  paste: { en: 'Or paste the report, or drop the file here', zh: '或粘贴报告，或将文件拖到此处' },
  make: { en: 'A report is made by', zh: '生成报告的命令：' },
  big: { en: 'The file has more than 50 MB.', zh: '文件超过 50 MB。' },
  unread: { en: 'The browser could not read the file.', zh: '浏览器无法读取该文件。' },
  of: { en: 'Prometheus', zh: 'Prometheus' },
  am: { en: 'Alertmanager', zh: 'Alertmanager' },
  period: { en: 'Period', zh: '期间' },
  mode: { en: 'Samples by', zh: '样本来源' },
  same: { en: 'Same', zh: '相同' },
  missed: { en: 'Missed', zh: '遗漏' },
  extra: { en: 'Extra', zh: '多出' },
  sooner: { en: 'Sooner', zh: '提前' },
  soonerBy: { en: 'Sooner (p50)', zh: '提前（p50）' },
  uncompared: { en: 'Not compared: {a} were active before, {u} began at the very end.', zh: '未对比：开始前已触发 {a} 次，临近结束才触发 {u} 次。' },
  refused: { en: '{n} samples were refused.', zh: '{n} 个样本被拒绝。' },
  spread: { en: 'How much sooner the alerts were, in seconds; below zero is later', zh: '告警提前的时间（秒）；负数为更晚' },
  rules: { en: 'By rule', zh: '按规则' },
  rule: { en: 'Rule', zh: '规则' },
  all: { en: 'All rules', zh: '全部规则' },
  only: { en: 'Only {rule}', zh: '仅 {rule}' },
  missedAlerts: { en: 'Missed by Touchline', zh: 'Touchline 遗漏的告警' },
  extraAlerts: { en: 'Extra: only Touchline had them', zh: '多出：仅 Touchline 有' },
  pairs: { en: 'The same on both sides', zh: '两边相同的告警' },
  fired: { en: 'Fired', zh: '触发' },
  ended: { en: 'Ended', zh: '结束' },
  still: { en: 'the end', zh: '直到结束' },
  note: { en: 'Note', zh: '备注' },
  labels: { en: 'Labels', zh: '标签' },
  ours: { en: 'Ours', zh: 'Touchline' },
  theirs: { en: 'Theirs', zh: '对方' },
  decided: { en: 'Decided by', zh: '判定方式' },
  polled: { en: 'by the poll that saw it', zh: '以轮询发现的时间计' },
  more: { en: 'Show more', zh: '显示更多' },
  limits: { en: 'What the report does not say', zh: '报告的局限' },
  times: { en: '{n} times: {what}', zh: '{n} 次：{what}' },
};

const key = 'touchline.shadow';
const mostBytes = 50_000_000;
const page = 100;

/** kept is the report that was open before the page was loaded again. */
function kept(): ShadowReport | undefined {
  try {
    const read = readShadow(sessionStorage.getItem(key) ?? '');
    return 'report' in read ? read.report : undefined;
  } catch {
    return undefined; // storage that is forbidden
  }
}

/** Shadow shows a report of touchline shadow. Nothing is sent to the server. */
export function Shadow(): ReactNode {
  const t = useT();
  const { change } = useAddress();
  const [report, setReport] = useState<ShadowReport | undefined>(kept);
  const [problem, setProblem] = useState('');
  const [over, setOver] = useState(false);
  const take = (text: string): void => {
    if (text.trim() === '') return;
    const read = readShadow(text);
    if ('problem' in read) {
      setProblem(t(read.problem, { what: read.what ?? '' }));
      return;
    }
    setProblem('');
    setReport(read.report);
    try {
      sessionStorage.setItem(key, text);
    } catch {
      // Too large to be kept: it holds until the page is left.
    }
  };
  const open = (file: File | null | undefined): void => {
    if (!file) return;
    if (file.size > mostBytes) setProblem(t(m.big));
    else file.text().then(take, () => setProblem(t(m.unread)));
  };
  const close = (): void => {
    setReport(undefined);
    change({ rule: undefined });
    try {
      sessionStorage.removeItem(key);
    } catch {
      // It was not kept.
    }
  };
  if (report) return <><AlertTabs /><Shown report={report} close={close} /></>;
  return (
    <>
      <AlertTabs />
      <Page title={t(m.title)} sentence={t(m.sentence)}>
        <div onDragOver={(e) => { e.preventDefault(); setOver(true); }} onDragLeave={() => setOver(false)} onDrop={(e) => { e.preventDefault(); setOver(false); open(e.dataTransfer.files[0]); }}
          style={{ outline: over ? '2px dashed var(--accent)' : undefined, outlineOffset: 4, borderRadius: 6 }}>
          <Card>
            <div style={{ display: 'grid', gap: 12 }}>
              <div><FileButton accept="application/json,.json" onChange={open}>{(props) => <Button {...props} variant="filled">{t(m.open)}</Button>}</FileButton></div>
              <Textarea label={t(m.paste)} value="" minRows={4} autosize onChange={(e) => take(e.currentTarget.value)} styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)', fontSize: 12 } }} />
              {problem !== '' && <Notice tone="critical">{problem}</Notice>}
              <div className="muted">{t(m.make)} <code style={{ userSelect: 'all', overflowWrap: 'anywhere' }}>touchline shadow --prometheus=http://127.0.0.1:9090 --alertmanager=http://127.0.0.1:9093 --for=1h --output=json --output-file=shadow.json</code></div>
            </div>
          </Card>
        </div>
      </Page>
    </>
  );
}

function Shown({ report: r, close }: { report: ShadowReport; close: () => void }): ReactNode {
  const t = useT();
  const said = useSaid();
  const l = useLanguage();
  const { zone } = useTime();
  const { value, change } = useAddress();
  const rule = value('rule');
  const of = (x: { labels: Record<string, string> }): boolean => rule === '' || x.labels.alertname === rule;
  const time = span(Date.parse(r.to) - Date.parse(r.from));
  const long = `${time.number} ${time.unit}`;
  const n = r.same + r.missed;
  const pairs = r.pairs.filter(of);
  const figures: [Message, ReactNode][] = [
    [m.same, r.same], [m.missed, r.missed > 0 ? <StateMark tone="critical">{r.missed}</StateMark> : r.missed], [m.extra, r.extra], [m.soonerBy, r.sooner ? <Seconds of={r.sooner.p50} /> : '–'],
    [m.of, r.prometheus], ...(r.alertmanager ? [[m.am, r.alertmanager] as [Message, ReactNode]] : []), [m.mode, r.mode],
    [m.period, `${clock(Date.parse(r.from), l, zone, true)} – ${clock(Date.parse(r.to), l, zone, true)}`],
  ];
  return (
    <Page title={t(m.title)} sentence={n === 0 ? t(m.none, { long, x: r.extra }) : t(r.missed > 0 ? m.bad : m.good, { n, k: r.missed, x: r.extra, long })} actions={<Button variant="default" onClick={close}>{t(m.other)}</Button>}>
      <div className="grid">
        <Card columns={6}>
          <div style={{ display: 'grid', gridTemplateColumns: 'repeat(auto-fill, minmax(120px, 1fr))', gap: 10 }}>
            {figures.map(([name, v]) => <div key={name.en} style={{ minWidth: 0, overflowWrap: 'anywhere' }}><div className="muted" style={{ fontSize: 11 }}>{t(name)}</div><div style={{ fontSize: 15, fontWeight: 600 }}>{v}</div></div>)}
          </div>
          {r.already_active + r.undecided > 0 && <p className="muted" style={{ margin: '10px 0 0' }}>{t(m.uncompared, { a: r.already_active, u: r.undecided })}</p>}
          {(r.refused_samples ?? 0) > 0 && <div style={{ marginTop: 8 }}><Notice tone="warning">{t(m.refused, { n: r.refused_samples! })}</Notice></div>}
        </Card>
        <Card columns={6} title={t(m.spread)}><Spread pairs={pairs} /></Card>
        {r.rules.length > 0 && <Card columns={12} flush title={t(m.rules)} actions={rule !== '' && <Button size="compact-xs" variant="default" onClick={() => change({ rule: undefined })}>{t(m.all)}</Button>}><Rules rules={r.rules} picked={rule} pick={(name) => change({ rule: name === rule ? undefined : name })} /></Card>}
        <Alerts title={t(m.missedAlerts)} list={r.missed_alerts.filter(of)} zone={zone} />
        <Alerts title={t(m.extraAlerts)} list={r.extra_alerts.filter(of)} zone={zone} />
        <Pairs list={pairs} zone={zone} />
        {((r.limits ?? []).length > 0 || Object.keys(r.errors ?? {}).length > 0) && (
          <Card columns={12} title={t(m.limits)}>
            <ul style={{ margin: 0, paddingLeft: 18 }}>
              {(r.limits ?? []).map((x) => <li key={x}>{said(x)}</li>)}
              {Object.entries(r.errors ?? {}).map(([what, count]) => <li key={what} style={{ overflowWrap: 'anywhere' }}>{t(m.times, { n: count, what })}</li>)}
            </ul>
          </Card>
        )}
      </div>
    </Page>
  );
}

/** Seconds has a sign, since later is below zero. */
function Seconds({ of }: { of: number }): ReactNode {
  return <span>{of > 0 ? '+' : ''}{digits(of)}<span className="unit">s</span></span>;
}

function Spread({ pairs }: { pairs: ShadowPair[] }): ReactNode {
  const t = useT();
  const counts = useMemo(() => spreadOf(pairs), [pairs]);
  const most = Math.max(1, ...counts);
  if (pairs.length === 0) return <span className="muted">–</span>;
  const name = (i: number): string => (i === 0 ? `< ${bounds[0]}` : i === bounds.length ? `≥ ${bounds[i - 1]}` : `${bounds[i - 1]} … ${bounds[i]}`);
  return (
    <table aria-label={t(m.spread)} style={{ width: '100%', borderSpacing: '0 2px' }}>
      <tbody>
        {counts.map((c, i) => (
          <tr key={i}>
            <th scope="row" className="num muted" style={{ width: 80, fontWeight: 400, textAlign: 'right', paddingRight: 10, whiteSpace: 'nowrap' }}>{name(i)}</th>
            <td><div style={{ display: 'flex', gap: 8, alignItems: 'center' }}><span aria-hidden style={{ height: 10, borderRadius: 2, background: i < 3 ? 'var(--warning)' : 'var(--good)', width: `${(c / most) * 80}%` }} />{c}</div></td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Rules({ rules, picked, pick }: { rules: ShadowRule[]; picked: string; pick: (name: string) => void }): ReactNode {
  const t = useT();
  const sooner = (s: Sooner | undefined): ReactNode => (s ? <><b><Seconds of={s.p50} /></b> <span className="muted">{digits(s.min)} … {digits(s.max)}</span></> : <span className="muted">–</span>);
  // What was missed comes first: it is what decides.
  const sorted = [...rules].sort((a, b) => b.missed - a.missed || b.extra - a.extra || (a.name < b.name ? -1 : 1));
  return (
    <div className="table-scroll">
      <table className="table as-cards">
        <thead><tr><th>{t(m.rule)}</th><th className="num">{t(m.same)}</th><th className="num">{t(m.missed)}</th><th className="num">{t(m.extra)}</th><th className="num">{t(m.soonerBy)}</th></tr></thead>
        <tbody>
          {sorted.map((r) => (
            <tr key={r.name}>
              <td data-name={t(m.rule)} style={{ overflowWrap: 'anywhere' }}><Button variant={picked === r.name ? 'light' : 'subtle'} size="compact-xs" aria-pressed={picked === r.name} title={t(m.only, { rule: r.name })} onClick={() => pick(r.name)}>{r.name}</Button></td>
              <td data-name={t(m.same)} className="num">{r.same}</td>
              <td data-name={t(m.missed)} className="num">{r.missed > 0 ? <StateMark tone="critical">{r.missed}</StateMark> : 0}</td>
              <td data-name={t(m.extra)} className="num">{r.extra}</td>
              <td data-name={t(m.soonerBy)} className="num"><span>{sooner(r.sooner)}</span></td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Part shows the first of a long list, and more on demand. */
function Part<T>({ title, list, head, row }: { title: string; list: T[]; head: ReactNode; row: (x: T, n: number) => ReactNode }): ReactNode {
  const t = useT();
  const [shown, setShown] = useState(page);
  if (list.length === 0) return null;
  return (
    <Card columns={12} flush title={title} actions={<span className="muted">{list.length}</span>}>
      <div className="table-scroll"><table className="table as-cards"><thead><tr>{head}</tr></thead><tbody>{list.slice(0, shown).map(row)}</tbody></table></div>
      {list.length > shown && <div style={{ padding: 10, textAlign: 'center' }}><Button variant="default" onClick={() => setShown(shown + page)}>{t(m.more)}</Button></div>}
    </Card>
  );
}

function Alerts({ title, list, zone }: { title: string; list: ShadowAlert[]; zone: string }): ReactNode {
  const t = useT();
  const said = useSaid();
  const l = useLanguage();
  return (
    <Part title={title} list={list} head={<><th>{t(m.fired)}</th><th>{t(m.ended)}</th><th>{t(m.labels)}</th><th>{t(m.note)}</th></>} row={(a, n) => (
      <tr key={n}>
        <td data-name={t(m.fired)}>{clock(Date.parse(a.fired), l, zone, true)}</td>
        <td data-name={t(m.ended)}>{a.ended ? clock(Date.parse(a.ended), l, zone, true) : t(m.still)}</td>
        <td data-name={t(m.labels)}><LabelList labels={a.labels} /></td>
        <td data-name={t(m.note)}>{said(a.note ?? '')}</td>
      </tr>
    )} />
  );
}

function Pairs({ list, zone }: { list: ShadowPair[]; zone: string }): ReactNode {
  const t = useT();
  const l = useLanguage();
  const decided = list.some((p) => p.decided);
  return (
    <Part title={t(m.pairs)} list={list} head={<><th>{t(m.ours)}</th><th>{t(m.theirs)}</th><th className="num">{t(m.sooner)}</th>{decided && <th>{t(m.decided)}</th>}<th>{t(m.labels)}</th></>} row={(p, n) => (
      <tr key={n}>
        <td data-name={t(m.ours)}>{clock(Date.parse(p.ours), l, zone, true)}</td>
        <td data-name={t(m.theirs)}><span>{clock(Date.parse(p.theirs), l, zone)}{!p.exact && <span className="muted"> {t(m.polled)}</span>}</span></td>
        <td data-name={t(m.sooner)} className="num"><Seconds of={p.sooner} /></td>
        {decided && <td data-name={t(m.decided)}>{p.decided}</td>}
        <td data-name={t(m.labels)}><LabelList labels={p.labels} /></td>
      </tr>
    )} />
  );
}
