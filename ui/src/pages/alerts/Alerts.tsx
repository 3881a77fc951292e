import { Button, Select, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';

import { alertGroups, alerts as readAlerts, canApply, matcherText } from '../../api/alertmanager';
import { incidents } from '../../api/incidents';
import { useMe } from '../../api/me';
import { ruleGroups } from '../../api/prometheus';
import { prefix } from '../../app/base';
import { useT } from '../../i18n';
import { useSummary } from '../../stock';
import { useTime } from '../../time/state';
import { below, useAddress } from '../../ui/address';
import { digits } from '../../ui/format';
import { Icon } from '../../ui/icons';
import { Ago, Card, Empty, Failed, LabelList, Loading, Notice, Page, StateMark } from '../../ui/parts';
import { needsPerson, severityTone, type Tone } from '../../ui/tone';
import { runbookURL } from './links';
import { exactly, parseMatchers, withMatcher } from './matchers';
import { filtered, grouped, noGroup, type Row, rows, type ShownState } from './model';
import { AlertTabs } from './Tabs';

const m = {
  title: { en: 'Alerts', zh: '告警' },
  quiet: { en: 'Nothing fires that needs a person. {n} pending, {s} silenced.', zh: '当前没有需要处理的告警。待定 {n} 条，已静默 {s} 条。' },
  firing: { en: '{n} firing ({c} critical), {p} pending, {s} silenced, {i} inhibited.', zh: '触发中 {n} 条（严重 {c} 条），待定 {p} 条，已静默 {s} 条，被抑制 {i} 条。' },
  inform: { en: 'Beside them {n} that only inform.', zh: '另有 {n} 条仅供参考。' },
  inform1: { en: 'Beside them 1 that only informs.', zh: '另有 1 条仅供参考。' },
  pending: { en: 'Pending: told to nobody yet', zh: '待定：尚未通知' },
  ungrouped: { en: 'Not routed yet', zh: '尚未路由' },
  filter: { en: 'Filter by matchers, such as service="api", severity=~"crit.*"', zh: '按匹配器过滤，如 service="api", severity=~"crit.*"' },
  severity: { en: 'Severity', zh: '级别' },
  any: { en: 'Any severity', zh: '所有级别' },
  group: { en: 'Group by', zh: '分组' },
  byGroup: { en: 'as they are told', zh: '按通知分组' },
  byRule: { en: 'by rule', zh: '按规则' },
  byLabel: { en: 'by {label}', zh: '按 {label}' },
  none: { en: 'No alert fits', zh: '没有符合条件的告警' },
  allQuiet: { en: 'Nothing fires', zh: '没有告警' },
  noRules: { en: 'No alerting rule is loaded.', zh: '尚未加载告警规则。' },
  addRules: { en: 'Name rule files under rule_files of the Prometheus configuration, then reload:', zh: '在 Prometheus 配置的 rule_files 中指定规则文件，然后重新加载：' },
  watch: { en: '{n} alerting rules watch.', zh: '{n} 条告警规则正在监视。' },
  clear: { en: 'Clear the filter', zh: '清除过滤' },
  silence: { en: 'Silence', zh: '静默' },
  silencedBy: { en: 'Silenced', zh: '已静默' },
  runbook: { en: 'Runbook', zh: '处置手册' },
  incident: { en: 'Incident', zh: '事件' },
  rule: { en: 'Rule', zh: '规则' },
  value: { en: 'value', zh: '当前值' },
  stopped: { en: 'Reading stops at character {n}: {what} is expected. What stands before it filters.', zh: '在第 {n} 个字符处无法解析：此处应为{what}。之前的部分已生效。' },
  foreign: { en: '{matcher} is not an expression that can be tried in this page: nothing meets it. Write it more simply.', zh: '{matcher} 无法在此页面中匹配，因此没有结果；请改用更简单的表达式。' },
};

const expected = {
  name: { en: 'a label name', zh: '标签名' },
  operator: { en: '=, !=, =~ or !~', zh: ' =、!=、=~ 或 !~' },
  value: { en: 'a value', zh: '值' },
  quote: { en: 'a closing quote', zh: '右引号' },
  comma: { en: 'a comma', zh: '逗号' },
};

const words: Record<ShownState, { en: string; zh: string }> = {
  firing: { en: 'firing', zh: '触发中' },
  pending: { en: 'pending', zh: '待定' },
  silenced: { en: 'silenced', zh: '已静默' },
  inhibited: { en: 'inhibited', zh: '被抑制' },
};

export function stateTone(r: { state: ShownState; labels: Record<string, string> }): Tone {
  return r.state === 'firing' ? severityTone(r.labels.severity) : r.state === 'pending' ? 'warning' : 'quiet';
}

const pace = 2000;

export function Alerts(): ReactNode {
  const t = useT();
  const { value, change } = useAddress();
  const { tick } = useTime();
  const opts = { refetchInterval: pace, placeholderData: <T,>(old: T | undefined) => old };
  const all = useQuery({ queryKey: ['alerts', tick], queryFn: ({ signal }) => readAlerts({}, signal), ...opts });
  const groups = useQuery({ queryKey: ['alert-groups', tick], queryFn: ({ signal }) => alertGroups(signal), ...opts });
  const rules = useQuery({ queryKey: ['rules', tick], queryFn: ({ signal }) => ruleGroups(signal), ...opts });
  const by = value('by') || 'group';
  const states = value('state') ? value('state').split(',') : [];
  const filter = value('filter');
  const { matchers, error } = parseMatchers(filter);
  const foreign = matchers.find((x) => !canApply(x));
  const list = rows(all.data ?? [], groups.data ?? [], rules.data ?? []);
  const shown = filtered(list, matchers, value('severity'), states);
  const count = (s: ShownState): number => list.filter((r) => r.state === s).length;
  const labels = [...new Set(list.flatMap((r) => Object.keys(r.labels)))].filter((n) => n !== 'alertname').sort();
  const severities = [...new Set(list.map((r) => r.labels.severity).filter((s): s is string => !!s))].sort();
  const ruleCount = (rules.data ?? []).flatMap((g) => g.rules).filter((r) => r.type === 'alerting').length;
  const ready = all.data && rules.data;
  // As the rail and the overview count.
  const alarms = list.filter((r) => r.state === 'firing' && needsPerson(r.labels));
  const inform = count('firing') - alarms.length;
  const says = alarms.length === 0 ? t(m.quiet, { n: count('pending'), s: count('silenced') }) : t(m.firing, {
    n: alarms.length, c: alarms.filter((r) => severityTone(r.labels.severity) === 'critical').length, p: count('pending'), s: count('silenced'), i: count('inhibited'),
  });
  const sentence = !ready ? undefined : inform === 0 ? says : `${says} ${inform === 1 ? t(m.inform1) : t(m.inform, { n: inform })}`;
  const head = (g: { name: string; rows: Row[] }): string => (by !== 'group' || g.name !== noGroup ? g.name : t(g.rows.every((r) => r.state === 'pending') ? m.pending : m.ungrouped));
  const pick = (name: string, v: string): void => change({ filter: withMatcher(filter, name, v) });
  return (
    <>
      <AlertTabs />
      <Page title={t(m.title)} sentence={sentence}>
        <div style={{ display: 'flex', flexWrap: 'wrap', gap: 8, marginBottom: 12, alignItems: 'center' }}>
          <TextInput style={{ flex: '1 1 260px' }} styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)', fontSize: 12 } }} value={filter} placeholder={t(m.filter)} aria-label={t(m.filter)} leftSection={<Icon name="search" size={14} />}
            onChange={(e) => change({ filter: e.currentTarget.value })} />
          <Select aria-label={t(m.severity)} w={130} value={value('severity') || ''} onChange={(v) => change({ severity: v ?? '' })} data={[{ value: '', label: t(m.any) }, ...severities.map((s) => ({ value: s, label: s }))]} />
          <Select aria-label={t(m.group)} w={150} value={by} onChange={(v) => change({ by: v && v !== 'group' ? v : '' })} searchable
            data={[{ value: 'group', label: t(m.byGroup) }, { value: 'rule', label: t(m.byRule) }, ...labels.map((l) => ({ value: l, label: t(m.byLabel, { label: l }) }))]} />
          <Button.Group>
            {(Object.keys(words) as ShownState[]).map((s) => (
              <Button key={s} variant={states.includes(s) ? 'light' : 'default'} aria-pressed={states.includes(s)} px={9}
                onClick={() => change({ state: (states.includes(s) ? states.filter((x) => x !== s) : [...states, s]).join(',') })}>
                {t(words[s])} <span className="unit">{ready ? count(s) : ''}</span>
              </Button>
            ))}
          </Button.Group>
        </div>
        {foreign && <div style={{ marginBottom: 10 }}><Notice tone="warning">{t(m.foreign, { matcher: matcherText(foreign) })}</Notice></div>}
        {error && <div style={{ marginBottom: 10 }}><Notice tone="warning">{t(m.stopped, { n: error.at + 1, what: t(expected[error.expected]) })}</Notice></div>}
        {all.error ? <Failed error={all.error} retry={() => void all.refetch()} /> : rules.error ? <Failed error={rules.error} retry={() => void rules.refetch()} /> : null}
        {!ready && !all.error ? <Loading height={240} /> : shown.length === 0 && !all.error ? (
          <Card>
            {list.length > 0 ? (
              <Empty title={t(m.none)} action={<Button variant="default" onClick={() => change({ filter: '', severity: '', state: '' })}>{t(m.clear)}</Button>} />
            ) : ruleCount > 0 ? (
              <Empty title={t(m.allQuiet)}><span>{t(m.watch, { n: ruleCount })}</span></Empty>
            ) : (
              <Empty title={t(m.noRules)}><span>{t(m.addRules)}</span><code>curl -X POST {window.location.origin}{prefix}/-/reload</code></Empty>
            )}
          </Card>
        ) : (
          <div style={{ display: 'grid', gap: 12 }}>
            {grouped(shown, by).map((g) => (
              <Card key={g.name} flush title={<span className="mono">{head(g)}</span>} actions={<span className="muted">{g.rows.length}</span>}>
                {g.rows.slice(0, 200).map((r) => <AlertRow key={r.key} row={r} pick={pick} />)}
                {g.rows.length > 200 && <div className="muted" style={{ padding: '6px 12px' }}>+ {g.rows.length - 200}</div>}
              </Card>
            ))}
          </div>
        )}
      </Page>
    </>
  );
}

function AlertRow({ row, pick }: { row: Row; pick: (name: string, value: string) => void }): ReactNode {
  const t = useT();
  const summary = useSummary();
  const { may } = useMe();
  const name = row.labels.alertname ?? '–';
  const number = row.value === undefined ? undefined : Number(row.value);
  const runbook = row.annotations.runbook_url ? runbookURL(row.annotations.runbook_url, prefix) : undefined;
  const open = useQuery({
    queryKey: ['incident-of', name], enabled: row.state === 'firing', staleTime: 5000,
    queryFn: ({ signal }) => incidents({ state: 'firing,acknowledged', q: `alertname=${name}`, limit: 50 }, signal),
  });
  const mine = open.data?.incidents?.find((i) => Object.entries(i.labels).every(([n, v]) => row.labels[n] === v));
  return (
    <div className={row.state === 'silenced' ? 'hatched' : undefined} style={{ display: 'grid', gridTemplateColumns: 'minmax(0, 1fr) auto', gap: '2px 16px', padding: '8px 12px', borderBottom: '1px solid var(--line)' }}>
      <div style={{ display: 'flex', flexWrap: 'wrap', gap: '2px 10px', alignItems: 'baseline', minWidth: 0 }}>
        <StateMark tone={stateTone(row)}>{t(words[row.state])}</StateMark>
        {row.rule ? <Link {...below(`/rules/rule?${new URLSearchParams({ file: row.rule.file, group: row.rule.group, name: row.rule.name })}`)}><b>{name}</b></Link> : <b>{name}</b>}
        <span className="muted"><Ago at={row.since} /></span>
        {number !== undefined && <span title={row.value}><span className="muted">{t(m.value)} </span>{Number.isFinite(number) ? digits(number) : row.value}</span>}
      </div>
      <div style={{ display: 'flex', gap: 12, alignItems: 'baseline', whiteSpace: 'nowrap' }}>
        {mine && <Link {...below(`/incidents/${mine.id}`)}>{t(m.incident)} #{mine.id}</Link>}
        {runbook && <a href={runbook} rel="noreferrer">{t(m.runbook)}</a>}
        {row.silencedBy[0] ? <Link {...below(`/silences?id=${row.silencedBy[0]}`)}>{t(m.silencedBy)}</Link> : may('respond') && row.state !== 'pending' && <Link {...below(`/silences?silence=${encodeURIComponent(exactly(row.labels))}`)}>{t(m.silence)}</Link>}
      </div>
      <div style={{ gridColumn: '1 / -1', minWidth: 0 }}>
        {(row.annotations.summary ?? row.annotations.message ?? row.annotations.description) && <div style={{ overflowWrap: 'anywhere', margin: '2px 0 4px' }}>{summary(row.annotations.summary ?? row.annotations.message ?? row.annotations.description ?? '')}</div>}
        <LabelList labels={row.labels} without={['alertname']} onPick={pick} />
      </div>
    </div>
  );
}
