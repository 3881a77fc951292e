import { ActionIcon, Button, MultiSelect, Select, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useEffect, useState } from 'react';

import { prom } from '../../api/prometheus';
import { useT } from '../../i18n';
import { type Current, type Filter, filterText, type Variable } from '../../model';
import { Icon } from '../../ui/icons';
import { Notice } from '../../ui/parts';
import { Toggle } from '../../ui/Toggle';
import type { VariableState } from './variables';

const m = {
  all: { en: 'All', zh: '全部' },
  failed: { en: '{name} has no options: {error}', zh: '{name} 没有选项：{error}' },
  add: { en: 'Add a filter', zh: '添加筛选' },
  remove: { en: 'Remove the filter', zh: '移除筛选' },
  label: { en: 'Label', zh: '标签' },
  operator: { en: 'Operator', zh: '运算符' },
  value: { en: 'Value', zh: '值' },
  more: { en: '{n} more: type to search', zh: '还有 {n} 项：输入以搜索' },
};

/** How many options a list shows at once: searching finds the others. */
const shown = 200;
const all = '$__all';

/** VariableBar is what a dashboard can be turned by. */
export function VariableBar({ variables, state, sourceFor, onChange, extra }: { variables: Variable[]; state: VariableState; sourceFor: (v: Variable) => string | undefined; onChange: (name: string, value: string[]) => void; extra?: ReactNode }): ReactNode {
  const t = useT();
  const errors = Object.entries(state.errors);
  return (
    <>
      <div className="dash-bar">
        {variables.filter((v) => v.hide !== 'variable' && v.type !== 'constant' && v.type !== 'system' && v.type !== 'unknown').map((v) => {
          const current = state.values[v.name];
          const name = v.label || v.name;
          return (
            <div key={v.name} className="dash-var" data-variable={v.name} title={v.description || undefined}>
              {v.hide !== 'label' && <span aria-hidden>{name}</span>}
              {v.type === 'adhoc' ? <Filters v={v} source={sourceFor(v)} filters={current?.filters ?? []} onChange={(f) => onChange(v.name, f.map(filterText))} /> :
                v.type === 'textbox' ? <TextBox name={name} value={current?.value[0] ?? ''} onChange={(x) => onChange(v.name, [x])} /> :
                v.type === 'switch' ? <OnOff name={name} current={current} onChange={(x) => onChange(v.name, [x])} /> :
                <Choice v={v} name={name} current={current} loading={!state.ready} onChange={(x) => onChange(v.name, x)} />}
            </div>
          );
        })}
        {extra}
      </div>
      {errors.map(([name, error]) => <div key={name} style={{ marginBottom: 8 }}><Notice tone="warning">{t(m.failed, { name, error })}</Notice></div>)}
    </>
  );
}

function Choice({ v, name, current, loading, onChange }: { v: Variable; name: string; current: Current | undefined; loading: boolean; onChange: (value: string[]) => void }): ReactNode {
  const t = useT();
  const [search, setSearch] = useState('');
  const options = (v.includeAll ? [{ value: all, label: t(m.all) }] : []).concat((current?.options ?? []).map((o) => ({ value: o.value, label: o.text || o.value })));
  const value = current?.value ?? [];
  // A value of the address that is no option (any more) stays visible.
  for (const x of value) if (!options.some((o) => o.value === x)) options.push({ value: x, label: x });
  const data = [...new Map(options.map((o) => [o.value, o])).values()];
  if (v.multi) {
    return (
      <MultiSelect aria-label={name} data={data} limit={shown} value={value} searchable disabled={loading && data.length === 0} hidePickedOptions={false} maxDropdownHeight={320}
        clearable={value.length > 1} searchValue={search} onSearchChange={setSearch} styles={{ pillsList: { maxHeight: 56, overflow: 'auto' }, inputField: { outline: 'none' } }} w={220}
        onChange={(next) => {
          // "All" stands alone, whichever of both was chosen last.
          const last = next.at(-1);
          onChange(last === all || next.length === 0 ? (v.includeAll ? [all] : next) : next.filter((x) => x !== all));
        }} />
    );
  }
  return (
    <Select aria-label={name} data={v.allowCustomValue && search !== '' && !data.some((o) => o.value === search || o.label === search) ? [...data, { value: search, label: search }] : data}
      limit={shown} value={value[0] ?? null} searchable disabled={loading && data.length === 0} allowDeselect={false} maxDropdownHeight={320} searchValue={search} onSearchChange={setSearch} w={180}
      onChange={(next) => { if (next !== null) onChange([next]); }} />
  );
}

function TextBox({ name, value, onChange }: { name: string; value: string; onChange: (value: string) => void }): ReactNode {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  return (
    <TextInput aria-label={name} value={text} onChange={(e) => setText(e.currentTarget.value)} onBlur={() => { if (text !== value) onChange(text); }}
      onKeyDown={(e) => { if (e.key === 'Enter') onChange(text); }} w={180} />
  );
}

function OnOff({ name, current, onChange }: { name: string; current: Current | undefined; onChange: (value: string) => void }): ReactNode {
  const [on, off] = [current?.options[0]?.value ?? 'true', current?.options[1]?.value ?? 'false'];
  return <Toggle label={name} checked={current?.value[0] === on} onChange={(is) => onChange(is ? on : off)} />;
}

const operators: Filter['operator'][] = ['=', '!=', '=~', '!~'];

function Filters({ v, source, filters, onChange }: { v: Variable; source: string | undefined; filters: Filter[]; onChange: (filters: Filter[]) => void }): ReactNode {
  const t = useT();
  const [draft, setDraft] = useState<{ key: string; operator: Filter['operator'] }>();
  const names = useQuery({ queryKey: ['labels', source], queryFn: ({ signal }) => prom<string[]>('/labels', { signal, datasource: source, params: { limit: 2000 } }), enabled: draft !== undefined });
  const values = useQuery({
    queryKey: ['label', source, draft?.key], enabled: !!draft?.key,
    queryFn: ({ signal }) => prom<string[]>(`/label/${encodeURIComponent(draft!.key)}/values`, { signal, datasource: source, params: { limit: 2000 } }),
  });
  return (
    <div style={{ display: 'flex', gap: 6, flexWrap: 'wrap', alignItems: 'center' }} role="group" aria-label={v.label || v.name}>
      {filters.map((f, i) => (
        <span key={i} className="label" style={{ lineHeight: '26px' }}>
          <b>{f.key} {f.operator}&nbsp;</b>{f.values.length > 1 ? f.values.join(', ') : f.value}
          <ActionIcon variant="subtle" size="xs" aria-label={t(m.remove)} onClick={() => onChange(filters.filter((_, j) => j !== i))}><Icon name="close" size={12} /></ActionIcon>
        </span>
      ))}
      {draft ? (
        <>
          <Select aria-label={t(m.label)} placeholder={t(m.label)} data={names.data ?? []} limit={shown} searchable value={draft.key || null} w={130} onChange={(key) => setDraft({ ...draft, key: key ?? '' })} />
          <Select aria-label={t(m.operator)} data={operators} value={draft.operator} allowDeselect={false} w={64} onChange={(o) => setDraft({ ...draft, operator: (o ?? '=') as Filter['operator'] })} />
          <Select aria-label={t(m.value)} placeholder={t(m.value)} data={values.data ?? []} limit={shown} searchable value={null} disabled={!draft.key} w={150}
            onChange={(value) => { if (value !== null) { onChange([...filters, { ...draft, value, values: [] }]); setDraft(undefined); } }} />
        </>
      ) : (
        <Button variant="default" size="compact-xs" leftSection={<Icon name="add" size={12} />} onClick={() => setDraft({ key: '', operator: '=' })}>{t(m.add)}</Button>
      )}
    </div>
  );
}
