import { ActionIcon, Group, Menu, SegmentedControl, TextInput } from '@mantine/core';
import { lazy, type ReactNode, Suspense, useState } from 'react';

import { formatQuery } from '../../api/explore';
import { seriesColors } from '../../app/theme';
import { useT } from '../../i18n';
import { duration } from '../../time/range';
import { Icon } from '../../ui/icons';
import { errorText, Loading, Notice } from '../../ui/parts';
import type { ExploreQuery, QueryType } from './address';

const PromQLEditor = lazy(() => import('../../ui/PromQLEditor').then((e) => ({ default: e.PromQLEditor })));

const m = {
  expression: { en: 'Query {ref}', zh: '查询 {ref}' },
  hint: { en: 'An expression, such as rate(node_cpu_seconds_total[1m]); Enter runs it, Shift+Enter breaks the line', zh: '输入表达式，例如 rate(node_cpu_seconds_total[1m])；Enter 执行，Shift+Enter 换行' },
  format: { en: 'Format', zh: '格式化' },
  hide: { en: 'Hide', zh: '隐藏' },
  show: { en: 'Show', zh: '显示' },
  more: { en: 'More for query {ref}', zh: '查询 {ref} 的更多操作' },
  duplicate: { en: 'Duplicate', zh: '复制查询' },
  up: { en: 'Move up', zh: '上移' },
  down: { en: 'Move down', zh: '下移' },
  remove: { en: 'Remove', zh: '移除' },
  alert: { en: 'Make this an alert', zh: '转为告警' },
  dashboard: { en: 'Add to dashboard', zh: '添加到仪表盘' },
  explain: { en: 'Explain', zh: '解释' },
  type: { en: 'Shown in', zh: '显示于' },
  both: { en: 'Both', zh: '两者' },
  range: { en: 'Graph', zh: '图表' },
  instant: { en: 'Table', zh: '表格' },
  step: { en: 'Step of {ref}', zh: '{ref} 的步长' },
  stepHint: { en: 'step: auto', zh: '步长：自动' },
  stepBad: { en: 'Write a duration such as 15s', zh: '请输入时长，如 15s' },
  legend: { en: 'Legend of {ref}', zh: '{ref} 的图例' },
  legendHint: { en: 'legend: {{instance}}', zh: '图例：{{instance}}' },
};

export interface QueryRowProps {
  letter: string;
  index: number;
  count: number;
  query: ExploreQuery;
  draft: string;
  datasource?: string;
  expand: (text: string) => string;
  onDraft: (text: string) => void;
  onRun: () => void;
  onChange: (to: Partial<ExploreQuery>) => void;
  onDuplicate: () => void;
  onMove: (by: -1 | 1) => void;
  onRemove: () => void;
  onAlert?: () => void;
  onDashboard?: () => void;
  onExplain: () => void;
}

/** QueryRow is one query: its letter, its editor, and how it is asked. */
export function QueryRow(p: QueryRowProps): ReactNode {
  const t = useT();
  const [failed, setFailed] = useState('');
  const [step, setStep] = useState<string>();
  const [legend, setLegend] = useState<string>();
  const stepText = step ?? p.query.step;
  const stepBad = stepText !== '' && !duration(stepText);
  const format = (): void => {
    setFailed('');
    formatQuery(p.draft).then(p.onDraft, (e: unknown) => setFailed(errorText(e)));
  };
  return (
    <div className="explore-query" data-hidden={p.query.hidden || undefined}>
      <button type="button" className="explore-letter" style={{ borderColor: seriesColors[p.index % seriesColors.length] }} aria-pressed={!p.query.hidden}
        aria-label={`${t(p.query.hidden ? m.show : m.hide)} ${p.letter}`} title={t(p.query.hidden ? m.show : m.hide)} onClick={() => p.onChange({ hidden: !p.query.hidden })}>
        {p.letter}
      </button>
      <div className="explore-editor">
        <Suspense fallback={<Loading height={32} />}>
          <PromQLEditor value={p.draft} onChange={p.onDraft} onRun={p.onRun} datasource={p.datasource} expand={p.expand} label={t(m.expression, { ref: p.letter })} hint={t(m.hint)} />
        </Suspense>
        {failed && <Notice tone="critical">{failed}</Notice>}
        <Group gap={6} mt={6} className="explore-options">
          <SegmentedControl aria-label={t(m.type)} value={p.query.type} onChange={(type) => p.onChange({ type: type as QueryType })}
            data={[{ value: 'both', label: t(m.both) }, { value: 'range', label: t(m.range) }, { value: 'instant', label: t(m.instant) }]} />
          <TextInput aria-label={t(m.step, { ref: p.letter })} placeholder={t(m.stepHint)} w={96} value={stepText} error={stepBad} title={stepBad ? t(m.stepBad) : undefined}
            onChange={(e) => setStep(e.currentTarget.value)} onBlur={() => { if (step !== undefined && !stepBad) p.onChange({ step }); if (!stepBad) setStep(undefined); }}
            onKeyDown={(e) => { if (e.key === 'Enter' && !stepBad) p.onChange({ step: stepText }); }} />
          <TextInput aria-label={t(m.legend, { ref: p.letter })} placeholder={t(m.legendHint)} w={170} value={legend ?? p.query.legend}
            onChange={(e) => setLegend(e.currentTarget.value)} onBlur={() => { if (legend !== undefined) p.onChange({ legend }); setLegend(undefined); }}
            onKeyDown={(e) => { if (e.key === 'Enter') p.onChange({ legend: legend ?? p.query.legend }); }} />
          <button type="button" className="explore-link" onClick={format} disabled={p.draft.trim() === ''}>{t(m.format)}</button>
          <button type="button" className="explore-link" onClick={p.onExplain} disabled={p.draft.trim() === ''}>{t(m.explain)}</button>
          {p.onAlert && <button type="button" className="explore-link" onClick={p.onAlert} disabled={p.draft.trim() === ''}>{t(m.alert)}</button>}
          {p.onDashboard && <button type="button" className="explore-link" onClick={p.onDashboard} disabled={p.draft.trim() === ''}>{t(m.dashboard)}</button>}
        </Group>
      </div>
      <Menu position="bottom-end">
        <Menu.Target><ActionIcon variant="default" aria-label={t(m.more, { ref: p.letter })}><Icon name="more" /></ActionIcon></Menu.Target>
        <Menu.Dropdown>
          <Menu.Item onClick={p.onDuplicate}>{t(m.duplicate)}</Menu.Item>
          <Menu.Item onClick={() => p.onMove(-1)} disabled={p.index === 0}>{t(m.up)}</Menu.Item>
          <Menu.Item onClick={() => p.onMove(1)} disabled={p.index === p.count - 1}>{t(m.down)}</Menu.Item>
          <Menu.Item color="red" onClick={p.onRemove}>{t(m.remove)}</Menu.Item>
        </Menu.Dropdown>
      </Menu>
    </div>
  );
}
