import { ActionIcon, Button, Checkbox, Group, Select, Stack, TextInput } from '@mantine/core';
import type { ReactNode } from 'react';

import { useT } from '../../../i18n';
import { Icon } from '../../../ui/icons';
import { at, put } from '../draft';

const m = {
  none: { en: 'No variables. One is written $name in queries and titles.', zh: '没有变量。变量在查询和标题中写作 $name。' },
  add: { en: 'Add a variable', zh: '添加变量' },
  name: { en: 'Name', zh: '名称' },
  badName: { en: 'Letters, digits and _', zh: '仅限字母、数字和 _' },
  twice: { en: 'Another variable has this name', zh: '名称已被占用' },
  label: { en: 'Label', zh: '标签' },
  type: { en: 'Type', zh: '类型' },
  query: { en: 'Query', zh: '查询' },
  values: { en: 'Values, by commas', zh: '取值，以逗号分隔' },
  value: { en: 'Value', zh: '值' },
  source: { en: 'Type of source', zh: '数据源类型' },
  regex: { en: 'Pattern', zh: '正则' },
  sort: { en: 'Sort', zh: '排序' },
  multi: { en: 'Several values', zh: '多选' },
  all: { en: 'With "All"', zh: '包含“全部”' },
  allValue: { en: 'Value of "All"', zh: '“全部”的值' },
  refresh: { en: 'Reload', zh: '重新加载' },
  load: { en: 'when opened', zh: '打开时' },
  time: { en: 'with the time range', zh: '时间范围变化时' },
  hide: { en: 'Show', zh: '显示' },
  both: { en: 'Label and value', zh: '标签和值' },
  only: { en: 'Value', zh: '仅值' },
  nothing: { en: 'Nothing', zh: '隐藏' },
  up: { en: 'Earlier', zh: '上移' },
  remove: { en: 'Delete {name}', zh: '删除 {name}' },
};

const types = ['query', 'custom', 'textbox', 'interval', 'datasource', 'constant', 'adhoc'];
const sorts: [string, string][] = [['0', '–'], ['1', 'A–Z'], ['2', 'Z–A'], ['3', '1–9'], ['4', '9–1'], ['5', 'a–z'], ['6', 'z–a'], ['7', 'a1–a10'], ['8', 'a10–a1']];
type V = Record<string, unknown>;

/** Variables edits what a dashboard can be turned by. */
export function Variables({ list, onChange }: { list: unknown[]; onChange: (v: V[]) => void }): ReactNode {
  const t = useT();
  const all = list.filter((v): v is V => typeof v === 'object' && v !== null);
  const text = (v: V, k: string): string => (typeof v[k] === 'string' ? v[k] : '');
  return (
    <Stack gap="sm">
      {all.length === 0 && <p className="muted">{t(m.none)}</p>}
      {all.map((v, i) => {
        const set = (by: V): void => onChange(all.map((x, j) => (j === i ? Object.entries(by).reduce((o, [k, w]) => put(o, [k], w), x) : x)));
        const name = text(v, 'name');
        const type = text(v, 'type');
        const query = typeof v.query === 'string' ? v.query : String(at(v.query, ['query']) ?? text(v, 'definition'));
        // Grafana keeps the query of a variable beside others of its editor: those no longer fit once the text is another.
        const setQuery = (q: string): void => set(type === 'query' ? { query: { query: q, refId: `Variable-${name}` }, definition: q } : { query: q, options: undefined, current: type === 'constant' || type === 'textbox' ? { text: q, value: q } : v.current });
        const list_ = type === 'query' || type === 'custom' || type === 'datasource';
        return (
          <fieldset key={i} style={{ border: '1px solid var(--line)', borderRadius: 6, padding: 8, margin: 0 }}>
            <legend className="mono" style={{ padding: '0 4px' }}>${name}</legend>
            <Group gap="sm" align="flex-start">
              <TextInput label={t(m.name)} value={name} w={130} error={!/^\w{1,100}$/.test(name) ? t(m.badName) : all.some((x, j) => j !== i && x.name === name) ? t(m.twice) : undefined} onChange={(e) => set({ name: e.currentTarget.value })} />
              <TextInput label={t(m.label)} value={text(v, 'label')} w={130} onChange={(e) => set({ label: e.currentTarget.value || undefined })} />
              <Select label={t(m.type)} data={types.includes(type) ? types : [...types, type]} value={type} allowDeselect={false} w={120} onChange={(x) => set({ type: x ?? 'query' })} />
              {type !== 'adhoc' && <TextInput label={t(type === 'query' ? m.query : type === 'custom' || type === 'interval' ? m.values : type === 'datasource' ? m.source : m.value)} value={query} w={320} onChange={(e) => setQuery(e.currentTarget.value)}
                placeholder={{ query: 'label_values(up, job)', custom: 'a, name : value', interval: '1m,5m,1h', datasource: 'prometheus' }[type]} styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }} />}
              {list_ && <TextInput label={t(m.regex)} value={text(v, 'regex')} w={160} onChange={(e) => set({ regex: e.currentTarget.value })} placeholder="/.*/" />}
              {type === 'query' && <Select label={t(m.sort)} data={sorts.map(([value, label]) => ({ value, label }))} value={String(v.sort ?? 0)} allowDeselect={false} w={100} onChange={(x) => set({ sort: Number(x) })} />}
              {type === 'query' && <Select label={t(m.refresh)} data={[{ value: '1', label: t(m.load) }, { value: '2', label: t(m.time) }]} value={v.refresh === 2 ? '2' : '1'} allowDeselect={false} w={150} onChange={(x) => set({ refresh: Number(x) })} />}
              <Select label={t(m.hide)} data={[{ value: '0', label: t(m.both) }, { value: '1', label: t(m.only) }, { value: '2', label: t(m.nothing) }]} value={String(v.hide ?? 0)} allowDeselect={false} w={130} onChange={(x) => set({ hide: Number(x) })} />
            </Group>
            <Group gap="sm" mt={8}>
              {list_ && <Checkbox label={t(m.multi)} checked={v.multi === true} onChange={(e) => set({ multi: e.currentTarget.checked })} />}
              {list_ && <Checkbox label={t(m.all)} checked={v.includeAll === true} onChange={(e) => set({ includeAll: e.currentTarget.checked })} />}
              {list_ && v.includeAll === true && <TextInput aria-label={t(m.allValue)} placeholder={t(m.allValue)} value={text(v, 'allValue')} w={120} onChange={(e) => set({ allValue: e.currentTarget.value || undefined })} />}
              {i > 0 && <Button size="compact-xs" variant="default" onClick={() => onChange(all.map((_, j) => all[j === i - 1 ? i : j === i ? i - 1 : j]!))}>{t(m.up)}</Button>}
              <ActionIcon variant="subtle" color="gray" aria-label={t(m.remove, { name })} onClick={() => onChange(all.filter((_, j) => j !== i))}><Icon name="trash" size={14} /></ActionIcon>
            </Group>
          </fieldset>
        );
      })}
      <div>
        <Button variant="default" leftSection={<Icon name="add" size={14} />}
          onClick={() => onChange([...all, { name: free(all), type: 'query', query: '', datasource: { type: 'prometheus', uid: 'touchline' }, refresh: 1, sort: 1, multi: false, includeAll: false, hide: 0, options: [], current: {} }])}>{t(m.add)}</Button>
      </div>
    </Stack>
  );
}

function free(all: readonly V[]): string {
  for (let n = 1; ; n++) if (!all.some((v) => v.name === `var${n}`)) return `var${n}`;
}
