import { ActionIcon, Button, Checkbox, Group, Select, TextInput } from '@mantine/core';
import type { ReactNode } from 'react';

import { useT } from '../../../i18n';
import type { SourceInfo } from '../../../model';
import { Icon } from '../../../ui/icons';
import { PromQLInput } from '../../../ui/PromQLInput';
import { at, type PanelJSON, put } from '../draft';

const m = {
  source: { en: 'Data source', zh: '数据源' },
  query: { en: 'Query {ref}', zh: '查询 {ref}' },
  legend: { en: 'Legend', zh: '图例' },
  legendHint: { en: '{{label}}, or empty for all labels', zh: '{{label}}，留空显示全部标签' },
  format: { en: 'Format', zh: '格式' },
  series: { en: 'Time series', zh: '时间序列' },
  table: { en: 'Table', zh: '表格' },
  heatmap: { en: 'Heatmap', zh: '热力图' },
  kind: { en: 'Type', zh: '类型' },
  range: { en: 'Range', zh: '范围' },
  instant: { en: 'Instant', zh: '即时' },
  both: { en: 'Both', zh: '两者' },
  interval: { en: 'Least step', zh: '最小步长' },
  hide: { en: 'Off', zh: '停用' },
  exemplars: { en: 'Exemplars', zh: '样本示例' },
  remove: { en: 'Delete query {ref}', zh: '删除查询 {ref}' },
  add: { en: 'Add a query', zh: '添加查询' },
  other: { en: 'other', zh: '其他' },
};

const refs = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';

/** Queries edits what a panel asks. */
export function Queries({ json, sources, change }: { json: PanelJSON; sources: readonly SourceInfo[]; change: (to: PanelJSON) => void }): ReactNode {
  const t = useT();
  const targets = (Array.isArray(json.targets) ? json.targets : []) as Record<string, unknown>[];
  const own = sourceUID(json.datasource);
  const set = (i: number, by: Record<string, unknown>): void => change({ ...json, targets: targets.map((q, j) => (j === i ? { ...q, ...by } : q)) });
  const text = (v: unknown): string => (typeof v === 'string' ? v : '');
  const options = sources.map((s) => ({ value: s.uid, label: `${s.name}${s.type === 'prometheus' ? '' : ` (${s.type})`}` }));
  if (own !== '' && !options.some((o) => o.value === own)) options.push({ value: own, label: own });
  const add = (): void => {
    const free = [...refs].find((r) => !targets.some((q) => q.refId === r)) ?? `Q${targets.length}`;
    change({ ...json, targets: [...targets, { refId: free, expr: '', range: true, ...(json.datasource ? { datasource: json.datasource } : {}) }] });
  };
  return (
    <div style={{ display: 'flex', flexDirection: 'column', gap: 12 }}>
      <Select label={t(m.source)} data={options} value={own || null} clearable w={280}
        onChange={(uid) => {
          const s = sources.find((x) => x.uid === uid);
          const ref = uid === null ? undefined : { uid, ...(s ? { type: s.type } : {}) };
          // Queries that named the source that the panel had go with it.
          change({ ...put(json, ['datasource'], ref), targets: targets.map((q) => (sourceUID(q.datasource) === own || q.datasource === undefined ? put(q, ['datasource'], ref) : q)) });
        }} />
      {targets.map((q, i) => {
        const ref = text(q.refId) || refs[i] || String(i);
        const kind = q.instant === true ? (q.range === true ? 'both' : 'instant') : 'range';
        return (
          <fieldset key={i} style={{ border: '1px solid var(--line)', borderRadius: 6, padding: 8, margin: 0, minWidth: 0 }}>
            <legend className="mono" style={{ padding: '0 4px' }}>{ref}</legend>
            <PromQLInput label={t(m.query, { ref })} value={text(q.expr)} datasource={plainUID(q.datasource ?? json.datasource)} onChange={(expr) => set(i, { expr })} />
            <Group gap="sm" mt={6} align="flex-end">
              <TextInput label={t(m.legend)} placeholder={t(m.legendHint)} value={text(q.legendFormat)} onChange={(e) => set(i, { legendFormat: e.currentTarget.value })} w={220} />
              <Select label={t(m.format)} data={[{ value: 'time_series', label: t(m.series) }, { value: 'table', label: t(m.table) }, { value: 'heatmap', label: t(m.heatmap) }]} value={text(q.format) || 'time_series'} allowDeselect={false}
                onChange={(v) => set(i, { format: v ?? 'time_series' })} w={130} />
              <Select label={t(m.kind)} data={[{ value: 'range', label: t(m.range) }, { value: 'instant', label: t(m.instant) }, { value: 'both', label: t(m.both) }]} value={kind} allowDeselect={false}
                onChange={(v) => set(i, { range: v !== 'instant', instant: v !== 'range' })} w={110} />
              <TextInput label={t(m.interval)} placeholder="15s" value={text(q.interval)} onChange={(e) => set(i, { interval: e.currentTarget.value })} w={90} />
              <Checkbox label={t(m.exemplars)} checked={q.exemplar === true} onChange={(e) => set(i, { exemplar: e.currentTarget.checked })} mb={8} />
              <Checkbox label={t(m.hide)} checked={q.hide === true} onChange={(e) => set(i, { hide: e.currentTarget.checked })} mb={8} />
              <ActionIcon variant="subtle" color="gray" aria-label={t(m.remove, { ref })} onClick={() => change({ ...json, targets: targets.filter((_, j) => j !== i) })} mb={4}><Icon name="trash" size={14} /></ActionIcon>
            </Group>
          </fieldset>
        );
      })}
      <div><Button variant="default" leftSection={<Icon name="add" size={14} />} onClick={add}>{t(m.add)}</Button></div>
    </div>
  );
}

/** sourceUID is how a panel's JSON names its data source; "" for the default one. */
function sourceUID(ref: unknown): string {
  if (typeof ref === 'string') return ref;
  const uid = at(ref, ['uid']);
  return typeof uid === 'string' ? uid : '';
}

/** plainUID is a uid that completion can ask; a variable is none. */
function plainUID(ref: unknown): string | undefined {
  const uid = sourceUID(ref);
  return uid === '' || uid.includes('$') ? undefined : uid;
}
