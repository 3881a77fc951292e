// The units that Grafana knows, to choose from.
import type { Language } from '../../../i18n';
import { getValueFormats } from '../../../panels/data';
import type { Choice } from './choices';

/** Unit also has Grafana's English name, by which it is found in Chinese, too. */
export interface Unit extends Choice {
  name: string;
}

export interface UnitGroup {
  group: string;
  items: Unit[];
}

/** Grafana's groups in Chinese. */
const groupWords: Record<string, string> = {
  Misc: '其他', Acceleration: '加速度', Angle: '角度', Area: '面积', Computation: '计算', Concentration: '浓度', Currency: '货币', Data: '数据', 'Data rate': '数据速率',
  'Date & time': '日期和时间', Energy: '能量', Flow: '流量', Force: '力', 'Hash rate': '哈希率', Mass: '质量', Length: '长度', Pressure: '压力', Radiation: '辐射',
  'Rotational Speed': '转速', Temperature: '温度', Time: '时间', Throughput: '吞吐量', Velocity: '速度', Volume: '体积', Boolean: '布尔值',
};

/** What people mostly need, in Chinese. The others have Grafana's names. */
const words: Record<string, string> = {
  short: '缩写：1.2 K、3 Mil', none: '原样', locale: '带千位分隔符：1,234', sci: '科学计数', percent: '百分比（0–100）', percentunit: '百分比（0.0–1.0）', string: '文本',
  bool: 'True、false', bool_yes_no: 'Yes、no', bool_on_off: 'On、off', bytes: '字节（1024）：KiB', decbytes: '字节（1000）：kB', bits: '比特（1024）',
  decbits: '比特（1000）', binBps: '字节/秒（1024）', Bps: '字节/秒（1000）', binbps: '比特/秒（1024）', bps: '比特/秒（1000）', pps: '包/秒', s: '秒', ms: '毫秒', 'µs': '微秒',
  ns: '纳秒', m: '分钟', h: '小时', d: '天', dtdurations: '时长（秒）：1 小时 5 分钟', clocks: '时钟（秒）', dateTimeAsIso: '日期时间（毫秒）', dateTimeAsLocal: '本地日期时间（毫秒）',
  dateTimeFromNow: '距今（毫秒）', reqps: '请求/秒', ops: '操作/秒', rps: '读/秒', wps: '写/秒', iops: 'IO 操作/秒', cps: '次/秒', eps: '事件/秒', opm: '操作/分钟', hertz: '赫兹',
  celsius: '摄氏度', watt: '瓦', volt: '伏', amp: '安', rotrpm: '转/分钟',
};

const wordOf = (of: Record<string, string>, key: string, otherwise: string): string => (Object.hasOwn(of, key) ? of[key]! : otherwise);

/** unitGroups are all units, in the groups of Grafana's menu. */
export const unitGroups = (l: Language): UnitGroup[] => getValueFormats().map((g) => ({
  group: l === 'zh' ? wordOf(groupWords, g.text, g.text) : g.text,
  items: (g.submenu ?? []).flatMap(({ value, text }) => (value === undefined ? [] : [{ value, name: text, label: l === 'zh' ? wordOf(words, value, text) : text }])),
}));

/** found are the units whose id, name or group has what is typed; the one whose id it is stands first. */
export function found(groups: readonly UnitGroup[], typed: string): { exact: Unit | undefined; groups: UnitGroup[] } {
  const s = typed.trim().toLowerCase();
  const all = groups.flatMap((g) => g.items);
  const exact = s === '' ? undefined : all.find((u) => u.value === typed.trim()) ?? all.find((u) => u.value.toLowerCase() === s) ?? all.find((u) => u.label.toLowerCase() === s || u.name.toLowerCase() === s);
  const has = (x: string): boolean => x.toLowerCase().includes(s);
  return { exact, groups: groups.map((g) => ({ group: g.group, items: g.items.filter((u) => u !== exact && (has(u.value) || has(u.label) || has(u.name) || has(g.group))) })).filter((g) => g.items.length > 0) };
}

/** isOwn tells whether a unit is none of Grafana's but a text of somebody's own, which stands behind the value. */
export const isOwn = (groups: readonly UnitGroup[], value: string): boolean => value !== '' && !/^(?:prefix|suffix|time|si|count|currency|bool):/.test(value) && !groups.some((g) => g.items.some((u) => u.value === value));
