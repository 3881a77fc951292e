import { ActionIcon, Button, Checkbox, ColorInput, Group, MultiSelect, NumberInput, Select, Stack, TextInput, Textarea } from '@mantine/core';
import { type ReactNode, useMemo, useState } from 'react';

import { useLanguage, useT } from '../../../i18n';
import { Icon } from '../../../ui/icons';
import { at, type PanelJSON, put } from '../draft';
import { panelTypes, reducers, schemes } from './choices';
import { found, isOwn, unitGroups } from './units';

const m = {
  type: { en: 'Panel type', zh: '面板类型' },
  title: { en: 'Title', zh: '标题' },
  description: { en: 'Description', zh: '描述' },
  unit: { en: 'Unit', zh: '单位' },
  decimals: { en: 'Decimals', zh: '小数位' },
  min: { en: 'Min', zh: '最小值' },
  max: { en: 'Max', zh: '最大值' },
  noValue: { en: 'Text without a value', zh: '无值时的文本' },
  name: { en: 'Name of series', zh: '序列名称' },
  legend: { en: 'Legend', zh: '图例' },
  list: { en: 'List', zh: '列表' },
  table: { en: 'Table', zh: '表格' },
  hidden: { en: 'Hidden', zh: '隐藏' },
  bottom: { en: 'Below', zh: '下方' },
  right: { en: 'Right', zh: '右侧' },
  placement: { en: 'Legend stands', zh: '图例位置' },
  calcs: { en: 'Calculations', zh: '计算' },
  stacking: { en: 'Stacking', zh: '堆叠' },
  none: { en: 'None', zh: '无' },
  normal: { en: 'Normal', zh: '普通' },
  percent: { en: 'Percent', zh: '百分比' },
  fill: { en: 'Fill', zh: '填充' },
  lineWidth: { en: 'Line width', zh: '线宽' },
  draw: { en: 'Draw', zh: '绘制' },
  line: { en: 'Lines', zh: '线' },
  bars: { en: 'Bars', zh: '柱' },
  points: { en: 'Points', zh: '点' },
  nulls: { en: 'Connect over gaps', zh: '连接空值' },
  tooltip: { en: 'Tooltip', zh: '提示框' },
  single: { en: 'One', zh: '单个' },
  multi: { en: 'All', zh: '全部' },
  thresholds: { en: 'Thresholds', zh: '阈值' },
  from: { en: 'From', zh: '起始值' },
  base: { en: 'Base', zh: '基准' },
  color: { en: 'Colour', zh: '颜色' },
  add: { en: 'Add', zh: '添加' },
  remove: { en: 'Remove', zh: '移除' },
  mappings: { en: 'Value mappings', zh: '值映射' },
  value: { en: 'Value', zh: '值' },
  text: { en: 'Text', zh: '文本' },
  content: { en: 'Content', zh: '内容' },
  calc: { en: 'Show', zh: '显示' },
  transparent: { en: 'Transparent', zh: '透明' },
  noVariables: { en: 'The dashboard has no such variable', zh: '仪表盘中没有此变量' },
  repeat: { en: 'Repeat for each value of', zh: '按变量重复' },
  scheme: { en: 'Colour scheme', zh: '配色方案' },
  fixed: { en: 'Colour of all', zh: '统一颜色' },
  ownUnit: { en: 'No unit of Grafana’s: “{x}” stands behind the value as it is.', zh: '不是 Grafana 的单位：“{x}”将原样显示在值之后。' },
  suffix: { en: '{x} (as a suffix)', zh: '{x}（作为后缀）' },
  axis: { en: 'Axis label', zh: '轴标签' },
  scale: { en: 'Scale', zh: '刻度' },
  linear: { en: 'Linear', zh: '线性' },
  shape: { en: 'Line shape', zh: '线形' },
  straight: { en: 'Straight', zh: '直线' },
  smooth: { en: 'Smooth', zh: '平滑' },
  stepAfter: { en: 'Step after', zh: '阶梯（后）' },
  stepBefore: { en: 'Step before', zh: '阶梯（前）' },
  colorMode: { en: 'Colours', zh: '着色' },
  ofValue: { en: 'the value', zh: '数值' },
  ofBackground: { en: 'the background', zh: '背景' },
  graphMode: { en: 'Small graph', zh: '小图' },
  area: { en: 'Area', zh: '面积' },
  textMode: { en: 'Text shown', zh: '显示文本' },
  auto: { en: 'Automatic', zh: '自动' },
  onlyValue: { en: 'Value', zh: '数值' },
  valueName: { en: 'Value and name', zh: '数值和名称' },
  onlyName: { en: 'Name', zh: '名称' },
  orientation: { en: 'Orientation', zh: '方向' },
  horizontal: { en: 'Horizontal', zh: '水平' },
  vertical: { en: 'Vertical', zh: '垂直' },
  barMode: { en: 'Bars are', zh: '条形样式' },
  gradient: { en: 'Gradient', zh: '渐变' },
  lcd: { en: 'Retro LCD', zh: '分段' },
  basic: { en: 'Plain', zh: '纯色' },
  pie: { en: 'Shape', zh: '形状' },
  donut: { en: 'Donut', zh: '环形' },
  round: { en: 'Pie', zh: '饼形' },
  otherMappings: { en: '{n} mappings of ranges or patterns: edit them as JSON', zh: '{n} 个范围或正则映射：请以 JSON 编辑' },
};

type Path = readonly (string | number)[];
const d = ['fieldConfig', 'defaults'] as const;
const custom = [...d, 'custom'] as const;

/** Options edits how a panel is drawn. variables are the names of those that it may repeat by. */
export function Options({ json, variables, change }: { json: PanelJSON; variables: readonly string[]; change: (to: PanelJSON) => void }): ReactNode {
  const t = useT();
  const l = useLanguage();
  const text = (path: Path): string => { const v = at(json, path); return typeof v === 'string' ? v : ''; };
  const num = (path: Path): number | '' => { const v = at(json, path); return typeof v === 'number' ? v : ''; };
  const set = (path: Path, v: unknown): void => change(put(json, path, v));
  const number = (path: Path, label: string, more: { min?: number; max?: number } = {}): ReactNode => (
    <NumberInput label={label} value={num(path)} onChange={(v) => set(path, typeof v === 'number' ? v : undefined)} {...more} hideControls w={64} />
  );
  const pick = (path: Path, label: string, options: [string, string][], otherwise: string): ReactNode => (
    <Select label={label} data={options.map(([value, l]) => ({ value, label: l }))} value={text(path) || otherwise} allowDeselect={false} onChange={(v) => set(path, v ?? otherwise)} w={110} />
  );
  const type = text(['type']);
  const repeat = text(['repeat']);
  const charts = type === 'timeseries' || type === 'barchart';
  const legend = charts || ['piechart', 'state-timeline', 'status-history', 'histogram', 'xychart', 'candlestick'].includes(type);
  const shown = at(json, ['options', 'legend', 'showLegend']) !== false;
  const mode = !shown ? 'hidden' : text(['options', 'legend', 'displayMode']) || 'list';
  const calcs = at(json, ['options', 'legend', 'calcs']);
  const single = ['stat', 'gauge', 'bargauge', 'piechart'].includes(type);
  const scheme = text([...d, 'color', 'mode']) || (['timeseries', 'barchart', 'piechart', 'histogram', 'xychart', 'candlestick'].includes(type) ? 'palette-classic' : type === 'state-timeline' ? 'continuous-GrYlRd' : 'thresholds');
  const calc = at(json, ['options', 'reduceOptions', 'calcs', 0]);
  return (
    <Stack gap="sm">
      <Select label={t(m.type)} data={panelTypes(l, type)} value={type} allowDeselect={false} searchable onChange={(v) => { if (v) set(['type'], v); }} />
      {type !== 'row' && <Checkbox label={t(m.transparent)} checked={at(json, ['transparent']) === true} onChange={(e) => set(['transparent'], e.currentTarget.checked || undefined)} />}
      <TextInput label={t(m.title)} value={text(['title'])} onChange={(e) => set(['title'], e.currentTarget.value)} />
      <Textarea label={t(m.description)} value={text(['description'])} onChange={(e) => set(['description'], e.currentTarget.value || undefined)} autosize minRows={1} maxRows={6} />
      {type === 'text' && <Textarea label={t(m.content)} value={text(['options', 'content'])} onChange={(e) => set(['options', 'content'], e.currentTarget.value)} autosize minRows={4} maxRows={20} styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }} />}
      {type !== 'text' && type !== 'row' && (
        <>
          <Unit value={text([...d, 'unit'])} onChange={(v) => set([...d, 'unit'], v)} />
          <Group gap="sm" align="flex-end">
            {number([...d, 'decimals'], t(m.decimals), { min: 0, max: 20 })}
            {number([...d, 'min'], t(m.min))}
            {number([...d, 'max'], t(m.max))}
          </Group>
          <Group gap="sm" grow>
            <TextInput label={t(m.name)} value={text([...d, 'displayName'])} placeholder="${__field.labels.job}" onChange={(e) => set([...d, 'displayName'], e.currentTarget.value || undefined)} />
            <TextInput label={t(m.noValue)} value={text([...d, 'noValue'])} onChange={(e) => set([...d, 'noValue'], e.currentTarget.value || undefined)} />
          </Group>
        </>
      )}
      {single && <Select label={t(m.calc)} data={reducers(l)} value={typeof calc === 'string' ? calc : 'lastNotNull'} allowDeselect={false} onChange={(v) => set(['options', 'reduceOptions', 'calcs'], [v])} />}
      {type !== 'text' && type !== 'row' && (
        <Group gap="sm" align="flex-end">
          <Select label={t(m.scheme)} data={schemes(l, text([...d, 'color', 'mode']))} value={scheme} allowDeselect={false} w={220} onChange={(v) => set([...d, 'color'], v === 'fixed' ? { mode: 'fixed', fixedColor: text([...d, 'color', 'fixedColor']) || 'green' } : { mode: v })} />
          {scheme === 'fixed' && <ColorInput label={t(m.fixed)} size="xs" value={text([...d, 'color', 'fixedColor'])} fixOnBlur={false} w={130} onChange={(color) => set([...d, 'color', 'fixedColor'], color)} />}
        </Group>
      )}
      {type === 'stat' && (
        <Group gap="sm" align="flex-end">
          {pick(['options', 'colorMode'], t(m.colorMode), [['value', t(m.ofValue)], ['background', t(m.ofBackground)], ['none', t(m.none)]], 'value')}
          {pick(['options', 'graphMode'], t(m.graphMode), [['area', t(m.area)], ['none', t(m.none)]], 'area')}
          {pick(['options', 'textMode'], t(m.textMode), [['auto', t(m.auto)], ['value', t(m.onlyValue)], ['value_and_name', t(m.valueName)], ['name', t(m.onlyName)]], 'auto')}
        </Group>
      )}
      {(type === 'bargauge' || type === 'stat' || type === 'gauge') && (
        <Group gap="sm" align="flex-end">
          {pick(['options', 'orientation'], t(m.orientation), [['auto', t(m.auto)], ['horizontal', t(m.horizontal)], ['vertical', t(m.vertical)]], 'auto')}
          {type === 'bargauge' && pick(['options', 'displayMode'], t(m.barMode), [['gradient', t(m.gradient)], ['lcd', t(m.lcd)], ['basic', t(m.basic)]], 'gradient')}
        </Group>
      )}
      {type === 'piechart' && pick(['options', 'pieType'], t(m.pie), [['pie', t(m.round)], ['donut', t(m.donut)]], 'pie')}
      {type === 'timeseries' && (
        <Group gap="sm" align="flex-end">
          {pick([...custom, 'lineInterpolation'], t(m.shape), [['linear', t(m.straight)], ['smooth', t(m.smooth)], ['stepAfter', t(m.stepAfter)], ['stepBefore', t(m.stepBefore)]], 'linear')}
          <Select label={t(m.scale)} data={[{ value: 'linear', label: t(m.linear) }, { value: '2', label: 'log 2' }, { value: '10', label: 'log 10' }]} allowDeselect={false} w={110}
            value={text([...custom, 'scaleDistribution', 'type']) === 'log' ? String(at(json, [...custom, 'scaleDistribution', 'log']) ?? 2) : 'linear'}
            onChange={(v) => set([...custom, 'scaleDistribution'], v === 'linear' ? { type: 'linear' } : { type: 'log', log: Number(v) })} />
          <TextInput label={t(m.axis)} value={text([...custom, 'axisLabel'])} w={140} onChange={(e) => set([...custom, 'axisLabel'], e.currentTarget.value || undefined)} />
        </Group>
      )}
      {type === 'timeseries' && (
        <Group gap="sm" align="flex-end">
          {pick([...custom, 'drawStyle'], t(m.draw), [['line', t(m.line)], ['bars', t(m.bars)], ['points', t(m.points)]], 'line')}
          {number([...custom, 'lineWidth'], t(m.lineWidth), { min: 0, max: 10 })}
          {number([...custom, 'fillOpacity'], t(m.fill), { min: 0, max: 100 })}
          <Checkbox label={t(m.nulls)} checked={at(json, [...custom, 'spanNulls']) === true} onChange={(e) => set([...custom, 'spanNulls'], e.currentTarget.checked)} mb={8} />
        </Group>
      )}
      {charts && (
        <Group gap="sm">
          {type === 'timeseries'
            ? pick([...custom, 'stacking', 'mode'], t(m.stacking), [['none', t(m.none)], ['normal', t(m.normal)], ['percent', t(m.percent)]], 'none')
            : pick(['options', 'stacking'], t(m.stacking), [['none', t(m.none)], ['normal', t(m.normal)], ['percent', t(m.percent)]], 'none')}
          {pick(['options', 'tooltip', 'mode'], t(m.tooltip), [['single', t(m.single)], ['multi', t(m.multi)], ['none', t(m.none)]], 'single')}
        </Group>
      )}
      {legend && (
        <Group gap="sm" align="flex-end">
          <Select label={t(m.legend)} data={[{ value: 'list', label: t(m.list) }, { value: 'table', label: t(m.table) }, { value: 'hidden', label: t(m.hidden) }]} value={mode} allowDeselect={false} w={110}
            onChange={(v) => change(put(put(json, ['options', 'legend', 'displayMode'], v === 'hidden' ? 'list' : v), ['options', 'legend', 'showLegend'], v !== 'hidden'))} />
          {pick(['options', 'legend', 'placement'], t(m.placement), [['bottom', t(m.bottom)], ['right', t(m.right)]], 'bottom')}
          <MultiSelect label={t(m.calcs)} data={known(reducers(l), calcs)} value={Array.isArray(calcs) ? calcs.filter((x) => typeof x === 'string') : []} searchable w={220} onChange={(v) => set(['options', 'legend', 'calcs'], v)} />
        </Group>
      )}
      {type !== 'text' && type !== 'row' && <Thresholds json={json} change={change} />}
      {type !== 'text' && type !== 'row' && <Mappings json={json} change={change} />}
      <Select label={t(m.repeat)} data={[...new Set([...variables, ...(repeat === '' ? [] : [repeat])])]} value={repeat || null} clearable searchable placeholder={t(m.none)} nothingFoundMessage={t(m.noVariables)} onChange={(v) => set(['repeat'], v ?? undefined)} w={200} />
    </Stack>
  );
}

/** known adds what a file has and the list does not. */
const known = (list: { value: string; label: string }[], values: unknown): { value: string; label: string }[] =>
  [...list, ...(Array.isArray(values) ? values : []).filter((v): v is string => typeof v === 'string' && !list.some((o) => o.value === v)).map((value) => ({ value, label: value }))];

/** Unit is one of Grafana's units, found by name or id, or any text that stands behind the value. */
function Unit({ value, onChange }: { value: string; onChange: (v: string | undefined) => void }): ReactNode {
  const t = useT();
  const l = useLanguage();
  const [search, setSearch] = useState('');
  const groups = useMemo(() => unitGroups(l), [l]);
  const chosen = useMemo(() => groups.flatMap((g) => g.items).find((u) => u.value === value), [groups, value]);
  const shown = chosen?.label ?? value;
  // What is chosen stands in the field as if it were typed.
  const typed = search.trim() === shown ? '' : search.trim();
  const { exact, groups: matching } = useMemo(() => found(groups, typed), [groups, typed]);
  const own = [value, typed].filter((x, i, all) => x !== '' && all.indexOf(x) === i && (x === value ? !chosen : !exact)).map((x) => ({ value: x, label: x }));
  const data = [...(exact ? [exact] : []), ...matching, ...(chosen && typed !== '' && chosen !== exact && !matching.some((g) => g.items.includes(chosen)) ? [chosen] : []), ...own];
  return (
    <Select label={t(m.unit)} data={data} filter={({ options }) => options} value={value || null} searchable clearable searchValue={search} onSearchChange={setSearch} maxDropdownHeight={320} selectFirstOptionOnChange
      description={isOwn(groups, value) ? t(m.ownUnit, { x: value }) : undefined}
      renderOption={({ option }) => (own.some((x) => x.value === option.value) ? t(m.suffix, { x: option.value }) : <span style={{ flex: 1, display: 'flex', gap: 8, justifyContent: 'space-between' }}>{option.label}<code style={{ opacity: 0.7 }}>{option.value}</code></span>)}
      onBlur={() => { if (typed !== '' && typed !== value) onChange(exact?.value ?? typed); }}
      onChange={(v) => onChange(v ?? undefined)} />
  );
}

interface Step {
  color: string;
  value: number | null;
}

function Thresholds({ json, change }: { json: PanelJSON; change: (to: PanelJSON) => void }): ReactNode {
  const t = useT();
  const path = [...d, 'thresholds'] as const;
  const read = at(json, [...path, 'steps']);
  const steps = (Array.isArray(read) ? read : []).filter((s): s is Record<string, unknown> => typeof s === 'object' && s !== null)
    .map((s): Step => ({ color: typeof s.color === 'string' ? s.color : 'green', value: typeof s.value === 'number' ? s.value : null }));
  const set = (next: Step[]): void => change(put(put(json, [...path, 'steps'], [...next].sort((a, b) => (a.value ?? -Infinity) - (b.value ?? -Infinity))), [...path, 'mode'], at(json, [...path, 'mode']) ?? 'absolute'));
  return (
    <fieldset style={{ border: 0, padding: 0, margin: 0 }}>
      <legend>{t(m.thresholds)}</legend>
      <Stack gap={4}>
        {steps.map((s, i) => (
          <Group key={i} gap="xs" wrap="nowrap">
            {s.value === null ? <span className="muted" style={{ width: 90 }}>{t(m.base)}</span> : (
              <NumberInput aria-label={t(m.from)} value={s.value} hideControls w={90} onChange={(v) => { if (typeof v === 'number') set(steps.map((x, j) => (j === i ? { ...x, value: v } : x))); }} />
            )}
            <ColorInput aria-label={t(m.color)} size="xs" value={s.color} fixOnBlur={false} w={150} onChange={(color) => set(steps.map((x, j) => (j === i ? { ...x, color } : x)))} />
            <ActionIcon variant="subtle" color="gray" aria-label={t(m.remove)} onClick={() => set(steps.filter((_, j) => j !== i))}><Icon name="close" size={12} /></ActionIcon>
          </Group>
        ))}
        <div><Button size="compact-xs" variant="default" onClick={() => set(steps.length === 0 ? [{ color: 'green', value: null }] : [...steps, { color: 'red', value: (steps.at(-1)!.value ?? 0) + 80 }])}>{t(m.add)}</Button></div>
      </Stack>
    </fieldset>
  );
}

/** Mappings edits those of single values; the others stay as they are. */
function Mappings({ json, change }: { json: PanelJSON; change: (to: PanelJSON) => void }): ReactNode {
  const t = useT();
  const path = [...d, 'mappings'] as const;
  const read = at(json, path);
  const all = (Array.isArray(read) ? read : []) as unknown[];
  const others = all.filter((x) => at(x, ['type']) !== 'value');
  const rows = all.filter((x) => at(x, ['type']) === 'value').flatMap((x) => Object.entries((at(x, ['options']) ?? {}) as Record<string, unknown>))
    .map(([value, to]) => ({ value, to: (typeof to === 'object' && to !== null ? to : {}) as Record<string, unknown> }));
  const set = (next: { value: string; to: Record<string, unknown> }[]): void => change(put(json, path, [
    ...(next.length > 0 ? [{ type: 'value', options: Object.fromEntries(next.map((r, index) => [r.value, { ...r.to, index }])) }] : []), ...others,
  ]));
  return (
    <fieldset style={{ border: 0, padding: 0, margin: 0 }}>
      <legend>{t(m.mappings)}</legend>
      <Stack gap={4}>
        {rows.map((r, i) => (
          <Group key={i} gap="xs" wrap="nowrap">
            <TextInput aria-label={t(m.value)} value={r.value} w={80} onChange={(e) => { const value = e.currentTarget.value; set(rows.map((x, j) => (j === i ? { ...x, value } : x))); }} />
            <TextInput aria-label={t(m.text)} value={typeof r.to.text === 'string' ? r.to.text : ''} w={110} onChange={(e) => { const v = e.currentTarget.value; set(rows.map((x, j) => (j === i ? { ...x, to: { ...x.to, text: v } } : x))); }} />
            <ColorInput aria-label={t(m.color)} size="xs" value={typeof r.to.color === 'string' ? r.to.color : ''} fixOnBlur={false} w={120} onChange={(color) => set(rows.map((x, j) => (j === i ? { ...x, to: { ...x.to, color: color || undefined } } : x)))} />
            <ActionIcon variant="subtle" color="gray" aria-label={t(m.remove)} onClick={() => set(rows.filter((_, j) => j !== i))}><Icon name="close" size={12} /></ActionIcon>
          </Group>
        ))}
        {others.length > 0 && <span className="muted">{t(m.otherMappings, { n: others.length })}</span>}
        <div><Button size="compact-xs" variant="default" onClick={() => set([...rows, { value: String(rows.length), to: { text: '' } }])}>{t(m.add)}</Button></div>
      </Stack>
    </fieldset>
  );
}
