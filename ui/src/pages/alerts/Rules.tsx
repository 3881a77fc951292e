import { Button, Select, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';

import { type AlertingRule, type RecordingRule, ruleGroups } from '../../api/prometheus';
import { ruleArrivals } from '../../api/rules';
import { prefix } from '../../app/base';
import { useT } from '../../i18n';
import { useTime } from '../../time/state';
import { below, useAddress } from '../../ui/address';
import { Icon } from '../../ui/icons';
import { Ago, Card, Empty, Failed, Loading, Notice, Page, Span, StateMark } from '../../ui/parts';
import { severityTone, type Tone } from '../../ui/tone';
import { ruleLink } from './links';
import { AlertTabs } from './Tabs';

const m = {
  title: { en: 'Rules', zh: '规则' },
  sentence: { en: '{n} alerting and {r} recording rules in {g} groups: {f} firing, {p} pending, {b} in error.', zh: '{g} 个组共 {n} 条告警规则、{r} 条记录规则：触发中 {f} 条，待定 {p} 条，出错 {b} 条。' },
  search: { en: 'Name, expression or label', zh: '名称、表达式或标签' },
  state: { en: 'State', zh: '状态' },
  any: { en: 'Any state', zh: '所有状态' },
  class: { en: 'Class of arrival', zh: '到达分类' },
  anyClass: { en: 'Any class', zh: '所有分类' },
  unhealthy: { en: 'In error only', zh: '仅出错' },
  recording: { en: 'recording', zh: '记录' },
  none: { en: 'No rule fits', zh: '没有符合条件的规则' },
  noRules: { en: 'No rule is loaded', zh: '未加载任何规则' },
  how: { en: 'Name rule files under rule_files of the Prometheus configuration, then reload:', zh: '在 Prometheus 配置的 rule_files 中指定规则文件，然后重新加载：' },
  every: { en: 'every', zh: '间隔' },
  took: { en: 'took', zh: '耗时' },
  arrivals: { en: 'How rules are decided could not be read: {error}', zh: '无法读取规则的判定方式：{error}' },
  clear: { en: 'Clear the filter', zh: '清除过滤' },
};

export const ruleStates = {
  firing: { en: 'firing', zh: '触发中' },
  pending: { en: 'pending', zh: '待定' },
  inactive: { en: 'quiet', zh: '正常' },
  unknown: { en: 'not yet evaluated', zh: '尚未评估' },
  err: { en: 'error', zh: '出错' },
};

export function ruleTone(r: AlertingRule | RecordingRule): { tone: Tone; word: keyof typeof ruleStates } {
  if (r.health === 'err') return { tone: 'critical', word: 'err' };
  if (r.type === 'recording' || r.state === 'inactive') return { tone: r.health === 'ok' ? 'good' : 'quiet', word: r.health === 'ok' ? 'inactive' : 'unknown' };
  return r.state === 'firing' ? { tone: severityTone(r.labels.severity), word: 'firing' } : r.state === 'pending' ? { tone: 'warning', word: 'pending' } : { tone: 'quiet', word: 'unknown' };
}

export function Rules(): ReactNode {
  const t = useT();
  const { value, change } = useAddress();
  const { tick } = useTime();
  const groups = useQuery({ queryKey: ['rules', tick], queryFn: ({ signal }) => ruleGroups(signal), refetchInterval: 5000, placeholderData: (old) => old });
  const arrival = useQuery({ queryKey: ['rule-arrivals'], queryFn: ({ signal }) => ruleArrivals(signal), refetchInterval: 10_000 });
  const classes = new Map((arrival.data ?? []).map((a) => [`${a.file}\0${a.group}\0${a.rule}\0${a.query}`, a.class]));
  const all = (groups.data ?? []).flatMap((g) => g.rules);
  const words = value('q').toLowerCase().split(/\s+/).filter(Boolean);
  const fits = (file: string, group: string, r: AlertingRule | RecordingRule): boolean => {
    const text = `${r.name} ${group} ${file} ${r.query} ${Object.entries(r.labels ?? {}).map(([n, v]) => `${n}=${v}`).join(' ')}`.toLowerCase();
    if (!words.every((w) => text.includes(w))) return false;
    if (value('health') === 'err' && r.health !== 'err') return false;
    if (value('state') === 'recording' ? r.type !== 'recording' : value('state') && (r.type !== 'alerting' || r.state !== value('state'))) return false;
    return !value('class') || classes.get(`${file}\0${group}\0${r.name}\0${r.query}`) === value('class');
  };
  const shown = (groups.data ?? []).map((g) => ({ g, rules: g.rules.filter((r) => fits(g.file, g.name, r)) })).filter((x) => x.rules.length > 0);
  const alerting = all.filter((r): r is AlertingRule => r.type === 'alerting');
  const sentence = groups.data && t(m.sentence, {
    n: alerting.length, r: all.length - alerting.length, g: groups.data.length, f: alerting.filter((r) => r.state === 'firing').length, p: alerting.filter((r) => r.state === 'pending').length, b: all.filter((r) => r.health === 'err').length,
  });
  return (
    <>
      <AlertTabs />
      <Page title={t(m.title)} sentence={sentence}>
        <div style={{ display: 'flex', flexWrap: 'wrap', gap: 8, marginBottom: 12 }}>
          <TextInput style={{ flex: '1 1 240px' }} value={value('q')} aria-label={t(m.search)} placeholder={t(m.search)} leftSection={<Icon name="search" size={14} />} onChange={(e) => change({ q: e.currentTarget.value })} />
          <Select aria-label={t(m.state)} w={140} value={value('state')} onChange={(v) => change({ state: v ?? '' })} data={[{ value: '', label: t(m.any) }, ...(['firing', 'pending', 'inactive'] as const).map((s) => ({ value: s, label: t(ruleStates[s]) })), { value: 'recording', label: t(m.recording) }]} />
          <Select aria-label={t(m.class)} w={150} value={value('class')} onChange={(v) => change({ class: v ?? '' })} data={[{ value: '', label: t(m.anyClass) }, ...[...new Set([...classes.values(), value('class')])].filter(Boolean).sort()]} />
          <Button variant={value('health') === 'err' ? 'light' : 'default'} aria-pressed={value('health') === 'err'} onClick={() => change({ health: value('health') === 'err' ? '' : 'err' })}>{t(m.unhealthy)}</Button>
        </div>
        {arrival.error && <Notice tone="warning">{t(m.arrivals, { error: (arrival.error as Error).message })}</Notice>}
        {groups.error && <Failed error={groups.error} retry={() => void groups.refetch()} />}
        {!groups.data ? !groups.error && <Loading height={300} /> : shown.length === 0 ? (
          <Card>
            {all.length === 0 ? <Empty title={t(m.noRules)}><span>{t(m.how)}</span><code>curl -X POST {window.location.origin}{prefix}/-/reload</code></Empty>
              : <Empty title={t(m.none)} action={<Button variant="default" onClick={() => change({ q: '', state: '', class: '', health: '' })}>{t(m.clear)}</Button>} />}
          </Card>
        ) : (
          <div style={{ display: 'grid', gap: 12 }}>
            {shown.map(({ g, rules }) => (
              <Card key={`${g.file}\0${g.name}`} flush title={<>{g.name} <span className="muted" style={{ fontWeight: 400 }}>{g.file}</span></>} actions={<span className="muted">{t(m.every)} <Span ms={g.interval * 1000} /> · {t(m.took)} <Span ms={g.evaluationTime * 1000} /> · <Ago at={g.lastEvaluation} /></span>}>
                <div className="table-scroll">
                  <table className="table as-cards" style={{ tableLayout: 'fixed' }}>
                    <colgroup><col style={{ width: 130 }} /><col style={{ width: '28%' }} /><col /><col style={{ width: 110 }} /><col style={{ width: 100 }} /></colgroup>
                    <thead className="sr-only"><tr><th>{t(m.state)}</th><th>{t(m.title)}</th><th>PromQL</th><th>{t(m.class)}</th><th>{t(m.took)}</th></tr></thead>
                    <tbody>
                      {rules.map((r, n) => {
                        const { tone, word } = ruleTone(r);
                        return (
                          <tr key={`${r.name}-${n}`}>
                            <td><StateMark tone={tone}>{r.type === 'recording' && word === 'inactive' ? t(m.recording) : t(ruleStates[word])}{r.type === 'alerting' && r.alerts.length > 0 ? ` ${r.alerts.length}` : ''}</StateMark></td>
                            <td style={{ overflowWrap: 'anywhere' }}><span><Link {...below(ruleLink(g.file, g.name, r.name, r.query))}><b>{r.name}</b></Link>{r.labels?.severity && <span className="muted"> {r.labels.severity}</span>}{r.lastError && <div style={{ color: 'var(--critical)' }}>{r.lastError}</div>}</span></td>
                            <td><code className="ellipsis" style={{ display: 'block' }} title={r.query}>{r.query}</code></td>
                            <td className="muted">{classes.get(`${g.file}\0${g.name}\0${r.name}\0${r.query}`) ?? ''}</td>
                            <td className="num muted"><Span ms={r.evaluationTime * 1000} /></td>
                          </tr>
                        );
                      })}
                    </tbody>
                  </table>
                </div>
              </Card>
            ))}
          </div>
        )}
      </Page>
    </>
  );
}
