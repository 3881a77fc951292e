import { ActionIcon, Autocomplete, Button, Group, Select, Stack, TextInput } from '@mantine/core';
import type { ReactNode } from 'react';

import { useT } from '../../../i18n';
import { Icon } from '../../../ui/icons';
import { at, type PanelJSON, put } from '../draft';

const m = {
  none: { en: 'No overrides: all series are drawn as the options say.', zh: '没有覆盖：所有序列均按选项绘制。' },
  matcher: { en: 'Which fields', zh: '匹配字段' },
  byName: { en: 'With the name', zh: '按名称' },
  byRegexp: { en: 'By pattern of the name', zh: '按名称正则' },
  byType: { en: 'Of the type', zh: '按类型' },
  byFrameRefID: { en: 'Of the query', zh: '按查询' },
  value: { en: 'Value', zh: '值' },
  property: { en: 'Property', zh: '属性' },
  addProperty: { en: 'Add a property', zh: '添加属性' },
  add: { en: 'Add an override', zh: '添加覆盖' },
  remove: { en: 'Remove', zh: '移除' },
};

const matchers = ['byName', 'byRegexp', 'byType', 'byFrameRefID'] as const;
const properties = ['unit', 'decimals', 'min', 'max', 'displayName', 'color', 'noValue', 'custom.axisPlacement', 'custom.axisLabel', 'custom.drawStyle', 'custom.fillOpacity', 'custom.lineWidth', 'custom.lineStyle', 'custom.stacking', 'custom.transform', 'custom.hideFrom', 'custom.width', 'custom.align', 'custom.cellOptions', 'custom.hidden', 'mappings', 'thresholds', 'links'];

type Override = Record<string, unknown>;

/** written is a value as it stands in a field: texts as they are, the rest as JSON. */
const written = (v: unknown): string => (typeof v === 'string' ? v : v === undefined ? '' : JSON.stringify(v));
/** meant reads it back: what is JSON is taken as that. */
function meant(text: string): unknown {
  if (!/^\s*([[{"]|-?\d|true$|false$|null$)/.test(text)) return text;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

/** withoutEmpty leaves out overrides that were begun and say nothing. */
export function withoutEmpty(json: PanelJSON): PanelJSON {
  const list = at(json, ['fieldConfig', 'overrides']);
  if (!Array.isArray(list)) return json;
  const says = (o: unknown): boolean => {
    const its = at(o, ['properties']);
    return written(at(o, ['matcher', 'options'])) !== '' || (Array.isArray(its) && its.some((p) => written(at(p, ['value'])) !== ''));
  };
  return list.every(says) ? json : put(json, ['fieldConfig', 'overrides'], list.filter(says));
}

/** Overrides edits what holds for some fields only. */
export function Overrides({ json, change }: { json: PanelJSON; change: (to: PanelJSON) => void }): ReactNode {
  const t = useT();
  const read = at(json, ['fieldConfig', 'overrides']);
  const list = (Array.isArray(read) ? read : []) as Override[];
  const set = (next: Override[]): void => change(put(json, ['fieldConfig', 'overrides'], next));
  const one = (i: number, to: Override): void => set(list.map((o, j) => (j === i ? to : o)));
  return (
    <Stack gap="sm">
      {list.length === 0 && <p className="muted">{t(m.none)}</p>}
      {list.map((o, i) => {
        const id = String(at(o, ['matcher', 'id']) ?? 'byName');
        const its = (Array.isArray(o.properties) ? o.properties : []) as Record<string, unknown>[];
        return (
          <fieldset key={i} style={{ border: '1px solid var(--line)', borderRadius: 6, padding: 8, margin: 0 }}>
            <Group gap="xs" align="flex-end" wrap="nowrap">
              <Select label={t(m.matcher)} data={[...matchers.map((x) => ({ value: x as string, label: t(m[x]) })), ...((matchers as readonly string[]).includes(id) ? [] : [{ value: id, label: id }])]} value={id} allowDeselect={false}
                onChange={(v) => one(i, put(o, ['matcher', 'id'], v))} w={140} />
              <TextInput label={t(m.value)} value={written(at(o, ['matcher', 'options']))} onChange={(e) => one(i, put(o, ['matcher', 'options'], id === 'byName' || id === 'byRegexp' ? e.currentTarget.value : meant(e.currentTarget.value)))} style={{ flex: 1 }} />
              <ActionIcon variant="subtle" color="gray" aria-label={t(m.remove)} onClick={() => set(list.filter((_, j) => j !== i))} mb={4}><Icon name="trash" size={14} /></ActionIcon>
            </Group>
            <Stack gap={4} mt={8}>
              {its.map((p, k) => (
                <Group key={k} gap="xs" wrap="nowrap">
                  <Autocomplete size="xs" aria-label={t(m.property)} data={properties} value={String(p.id ?? '')} onChange={(v) => one(i, { ...o, properties: its.map((x, j) => (j === k ? { ...x, id: v } : x)) })} w={150} />
                  <TextInput aria-label={t(m.value)} value={written(p.value)} style={{ flex: 1 }} onChange={(e) => { const v = meant(e.currentTarget.value); one(i, { ...o, properties: its.map((x, j) => (j === k ? { ...x, value: v } : x)) }); }} />
                  <ActionIcon variant="subtle" color="gray" aria-label={t(m.remove)} onClick={() => one(i, { ...o, properties: its.filter((_, j) => j !== k) })}><Icon name="close" size={12} /></ActionIcon>
                </Group>
              ))}
              <div><Button size="compact-xs" variant="default" onClick={() => one(i, { ...o, properties: [...its, { id: 'unit', value: '' }] })}>{t(m.addProperty)}</Button></div>
            </Stack>
          </fieldset>
        );
      })}
      <div><Button variant="default" onClick={() => set([...list, { matcher: { id: 'byName', options: '' }, properties: [] }])}>{t(m.add)}</Button></div>
    </Stack>
  );
}
