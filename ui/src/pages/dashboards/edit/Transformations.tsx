import { ActionIcon, Autocomplete, Button, Checkbox, Group, Select, Stack, TagsInput, TextInput } from '@mantine/core';
import { type ReactNode, useState } from 'react';

import { useT } from '../../../i18n';
import { Icon } from '../../../ui/icons';
import { at, type PanelJSON, put } from '../draft';
import { JSONField } from './JSONField';

const m = {
  none: { en: 'No transformations: the queries\' answers are drawn as they are.', zh: '没有转换：直接绘制查询结果。' },
  add: { en: 'Add', zh: '添加' },
  which: { en: 'Transformation', zh: '转换' },
  off: { en: 'Off', zh: '停用' },
  up: { en: 'Earlier', zh: '上移' },
  remove: { en: 'Remove', zh: '移除' },
  options: { en: 'Options', zh: '选项' },
  mergeHelp: { en: 'Puts the rows of all answers into one table. It has no options.', zh: '将所有结果的行合并为一个表，没有选项。' },
  field: { en: 'Join by the field', zh: '连接字段' },
  mode: { en: 'Rows', zh: '行' },
  outer: { en: 'of any (outer)', zh: '任一（外连接）' },
  inner: { en: 'of all (inner)', zh: '全部（内连接）' },
  hide: { en: 'Hide the fields', zh: '隐藏字段' },
  order: { en: 'Order of the fields', zh: '字段顺序' },
  rename: { en: 'Rename', zh: '重命名' },
  from: { en: 'Field', zh: '字段' },
  to: { en: 'New name', zh: '新名称' },
};

const known = ['organize', 'merge', 'joinByField', 'reduce', 'filterFieldsByName', 'filterByValue', 'groupBy', 'sortBy', 'limit', 'labelsToFields', 'renameByRegex', 'seriesToRows', 'calculateField', 'convertFieldType', 'timeSeriesTable', 'rowsToFields', 'prepareTimeSeries', 'concatenate', 'configFromData', 'histogram', 'extractFields', 'partitionByValues'];
type One = Record<string, unknown>;

/** Transformations edits what happens to answers before they are drawn. */
export function Transformations({ json, change }: { json: PanelJSON; change: (to: PanelJSON) => void }): ReactNode {
  const t = useT();
  const [id, setID] = useState('organize');
  const list = (Array.isArray(json.transformations) ? json.transformations : []) as One[];
  const set = (next: One[]): void => change(put(json, ['transformations'], next.length > 0 ? next : undefined));
  const one = (i: number, to: One): void => set(list.map((x, j) => (j === i ? to : x)));
  return (
    <Stack gap="sm">
      {list.length === 0 && <p className="muted">{t(m.none)}</p>}
      {list.map((x, i) => (
        <fieldset key={i} style={{ border: '1px solid var(--line)', borderRadius: 6, padding: 8, margin: 0, minWidth: 0 }}>
          <legend className="mono" style={{ padding: '0 4px' }}>{i + 1}. {String(x.id)}</legend>
          <Group gap="sm" mb={6}>
            <Checkbox label={t(m.off)} checked={x.disabled === true} onChange={(e) => one(i, put(x, ['disabled'], e.currentTarget.checked || undefined))} />
            {i > 0 && <Button size="compact-xs" variant="default" onClick={() => set(list.map((_, j) => list[j === i - 1 ? i : j === i ? i - 1 : j]!))}>{t(m.up)}</Button>}
            <ActionIcon variant="subtle" color="gray" aria-label={t(m.remove)} onClick={() => set(list.filter((_, j) => j !== i))}><Icon name="trash" size={14} /></ActionIcon>
          </Group>
          <Form x={x} change={(to) => one(i, to)} />
        </fieldset>
      ))}
      <Group gap="sm" align="flex-end">
        <Autocomplete label={t(m.which)} data={known} value={id} onChange={setID} w={220} />
        <Button variant="default" disabled={id.trim() === ''} onClick={() => set([...list, { id: id.trim(), options: {} }])}>{t(m.add)}</Button>
      </Group>
    </Stack>
  );
}

function Form({ x, change }: { x: One; change: (to: One) => void }): ReactNode {
  const t = useT();
  const o = (path: string): Record<string, unknown> => { const v = at(x, ['options', path]); return typeof v === 'object' && v !== null && !Array.isArray(v) ? (v as Record<string, unknown>) : {}; };
  const json = <JSONField label={t(m.options)} value={x.options ?? {}} kind="object" rows={6} onChange={(v) => change({ ...x, options: v })} />;
  switch (x.id) {
    case 'merge':
      return <p className="muted">{t(m.mergeHelp)}</p>;
    case 'joinByField':
    case 'seriesToColumns':
      return (
        <Group gap="sm">
          <TextInput label={t(m.field)} placeholder="Time" value={String(at(x, ['options', 'byField']) ?? '')} onChange={(e) => change(put(x, ['options', 'byField'], e.currentTarget.value || undefined))} />
          <Select label={t(m.mode)} data={[{ value: 'outer', label: t(m.outer) }, { value: 'inner', label: t(m.inner) }]} value={String(at(x, ['options', 'mode']) ?? 'outer')} allowDeselect={false} onChange={(v) => change(put(x, ['options', 'mode'], v))} />
        </Group>
      );
    case 'organize': {
      const renames = Object.entries(o('renameByName'));
      const setRenames = (next: [string, unknown][]): void => change(put(x, ['options', 'renameByName'], Object.fromEntries(next)));
      return (
        <Stack gap="xs">
          <TagsInput label={t(m.hide)} value={Object.entries(o('excludeByName')).filter(([, v]) => v === true).map(([k]) => k)} onChange={(v) => change(put(x, ['options', 'excludeByName'], Object.fromEntries(v.map((k) => [k, true]))))} />
          <TagsInput label={t(m.order)} value={Object.entries(o('indexByName')).sort(([, a], [, b]) => Number(a) - Number(b)).map(([k]) => k)} onChange={(v) => change(put(x, ['options', 'indexByName'], Object.fromEntries(v.map((k, i) => [k, i]))))} />
          <span>{t(m.rename)}</span>
          {renames.map(([from, to], i) => (
            <Group key={i} gap="xs" wrap="nowrap">
              <TextInput aria-label={t(m.from)} value={from} onChange={(e) => { const v = e.currentTarget.value; setRenames(renames.map((r, j) => (j === i ? [v, r[1]] : r))); }} />
              <TextInput aria-label={t(m.to)} value={String(to)} onChange={(e) => { const v = e.currentTarget.value; setRenames(renames.map((r, j) => (j === i ? [r[0], v] : r))); }} />
              <ActionIcon variant="subtle" color="gray" aria-label={t(m.remove)} onClick={() => setRenames(renames.filter((_, j) => j !== i))}><Icon name="close" size={12} /></ActionIcon>
            </Group>
          ))}
          <div><Button size="compact-xs" variant="default" onClick={() => setRenames([...renames, ['', '']])}>{t(m.add)}</Button></div>
        </Stack>
      );
    }
    default:
      return json;
  }
}
