// What an editor of panels has to choose from, in words. The ids are Grafana's.
import type { Language } from '../../../i18n';
import { calculations } from '../../../panels/calcs';

interface Choice {
  value: string;
  label: string;
}

type Words = Record<Language, string>;

const units: { group: Words; items: [string, Words][] }[] = [
  { group: { en: 'Numbers', zh: '数字' }, items: [
    ['short', { en: 'Short: 1.2 K, 3 Mil', zh: '缩写：1.2 K、3 Mil' }], ['none', { en: 'As it is', zh: '原样' }], ['locale', { en: 'With separators: 1,234', zh: '带千位分隔符：1,234' }], ['sci', { en: 'Scientific', zh: '科学计数' }],
    ['percent', { en: 'Percent, of 100', zh: '百分比（0–100）' }], ['percentunit', { en: 'Percent, of 1.0', zh: '百分比（0.0–1.0）' }], ['string', { en: 'Text', zh: '文本' }],
    ['bool', { en: 'True, false', zh: 'True、false' }], ['bool_yes_no', { en: 'Yes, no', zh: 'Yes、no' }], ['bool_on_off', { en: 'On, off', zh: 'On、off' }],
  ] },
  { group: { en: 'Data', zh: '数据' }, items: [
    ['bytes', { en: 'Bytes, of 1024: KiB', zh: '字节（1024）：KiB' }], ['decbytes', { en: 'Bytes, of 1000: kB', zh: '字节（1000）：kB' }], ['bits', { en: 'Bits, of 1024', zh: '比特（1024）' }], ['decbits', { en: 'Bits, of 1000', zh: '比特（1000）' }],
    ['binBps', { en: 'Bytes a second, of 1024', zh: '字节/秒（1024）' }], ['Bps', { en: 'Bytes a second, of 1000', zh: '字节/秒（1000）' }], ['binbps', { en: 'Bits a second, of 1024', zh: '比特/秒（1024）' }], ['bps', { en: 'Bits a second, of 1000', zh: '比特/秒（1000）' }], ['pps', { en: 'Packets a second', zh: '包/秒' }],
  ] },
  { group: { en: 'Time', zh: '时间' }, items: [
    ['s', { en: 'Seconds', zh: '秒' }], ['ms', { en: 'Milliseconds', zh: '毫秒' }], ['µs', { en: 'Microseconds', zh: '微秒' }], ['ns', { en: 'Nanoseconds', zh: '纳秒' }], ['m', { en: 'Minutes', zh: '分钟' }], ['h', { en: 'Hours', zh: '小时' }], ['d', { en: 'Days', zh: '天' }],
    ['dtdurations', { en: 'Duration of seconds: 1 hour 5 minutes', zh: '时长（秒）：1 小时 5 分钟' }], ['clocks', { en: 'Clock of seconds', zh: '时钟（秒）' }],
    ['dateTimeAsIso', { en: 'Date and time, of ms', zh: '日期时间（毫秒）' }], ['dateTimeAsLocal', { en: 'Date and time as usual here, of ms', zh: '本地日期时间（毫秒）' }], ['dateTimeFromNow', { en: 'Time ago, of ms', zh: '距今（毫秒）' }],
  ] },
  { group: { en: 'Rates', zh: '速率' }, items: [
    ['reqps', { en: 'Requests a second', zh: '请求/秒' }], ['ops', { en: 'Operations a second', zh: '操作/秒' }], ['rps', { en: 'Reads a second', zh: '读/秒' }], ['wps', { en: 'Writes a second', zh: '写/秒' }], ['iops', { en: 'I/O operations a second', zh: 'IO 操作/秒' }],
    ['cps', { en: 'Counts a second', zh: '次/秒' }], ['eps', { en: 'Events a second', zh: '事件/秒' }], ['opm', { en: 'Operations a minute', zh: '操作/分钟' }], ['hertz', { en: 'Hertz', zh: '赫兹' }],
  ] },
  { group: { en: 'Physics', zh: '物理量' }, items: [
    ['celsius', { en: 'Degrees Celsius', zh: '摄氏度' }], ['watt', { en: 'Watts', zh: '瓦' }], ['volt', { en: 'Volts', zh: '伏' }], ['amp', { en: 'Amperes', zh: '安' }], ['rotrpm', { en: 'Rotations a minute', zh: '转/分钟' }],
  ] },
];

export const unitGroups = (l: Language): { group: string; items: Choice[] }[] => units.map((g) => ({ group: g.group[l], items: g.items.map(([value, w]) => ({ value, label: w[l] })) }));

export const reducers = (l: Language): Choice[] => calculations.map(([value, w]) => ({ value, label: w[l] }));

const colours: [string, Words][] = [
  ['palette-classic', { en: 'Of its own for each series', zh: '每个序列一种颜色' }], ['palette-classic-by-name', { en: 'Of its own for each name', zh: '每个名称一种颜色' }], ['thresholds', { en: 'By thresholds', zh: '按阈值' }], ['fixed', { en: 'One for all', zh: '统一颜色' }], ['shades', { en: 'Shades of one', zh: '同色深浅' }],
  ['continuous-GrYlRd', { en: 'Green, yellow, red', zh: '绿-黄-红' }], ['continuous-RdYlGr', { en: 'Red, yellow, green', zh: '红-黄-绿' }], ['continuous-BlYlRd', { en: 'Blue, yellow, red', zh: '蓝-黄-红' }], ['continuous-YlRd', { en: 'Yellow, red', zh: '黄-红' }],
  ['continuous-blues', { en: 'Blues', zh: '蓝色系' }], ['continuous-greens', { en: 'Greens', zh: '绿色系' }], ['continuous-reds', { en: 'Reds', zh: '红色系' }], ['continuous-purples', { en: 'Purples', zh: '紫色系' }],
];

/** schemes are the ways to colour values, and the one that a file has. */
export function schemes(l: Language, has: string): Choice[] {
  const list = colours.map(([value, w]) => ({ value, label: w[l] }));
  return has === '' || list.some((o) => o.value === has) ? list : [...list, { value: has, label: has }];
}
