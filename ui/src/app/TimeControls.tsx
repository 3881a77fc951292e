import { ActionIcon, Button, Group, Menu, Popover, Select, Stack, TextInput } from '@mantine/core';
import { type ReactNode, useState } from 'react';

import { useLanguage, useT } from '../i18n';
import { isRelative, resolveTime } from '../time/range';
import { refreshNow, useTime } from '../time/state';
import { clock } from '../ui/format';
import { Icon } from '../ui/icons';

const m = {
  last: { en: 'Last {n}', zh: '最近 {n}' },
  today: { en: 'Today', zh: '今天' },
  yesterday: { en: 'Yesterday', zh: '昨天' },
  week: { en: 'This week', zh: '本周' },
  from: { en: 'From', zh: '从' },
  to: { en: 'To', zh: '到' },
  show: { en: 'Show', zh: '显示' },
  bad: { en: 'Write a time such as now-6h, now/d or 2026-11-26 10:00', zh: '请输入时间，如 now-6h、now/d 或 2026-11-26 10:00' },
  zone: { en: 'Time zone', zh: '时区' },
  browser: { en: 'Of this browser', zh: '浏览器时区' },
  range: { en: 'Time range', zh: '时间范围' },
  refresh: { en: 'Refresh', zh: '刷新' },
  every: { en: 'Refresh every', zh: '刷新间隔' },
  off: { en: 'Off', zh: '关闭' },
  live: { en: 'live', zh: '实时' },
  earlier: { en: 'Earlier', zh: '更早' },
  later: { en: 'Later', zh: '更晚' },
  out: { en: 'Longer', zh: '放大范围' },
};

const quick = ['5m', '15m', '30m', '1h', '3h', '6h', '12h', '24h', '2d', '7d', '30d', '90d'];
const pauses = ['', '1s', '5s', '10s', '30s', '1m', '5m', '15m'];

/** TimeControls is the one time range of the page, and how often it is shown anew. */
export function TimeControls(): ReactNode {
  const t = useT();
  const l = useLanguage();
  const time = useTime();
  const [open, setOpen] = useState(false);
  const name = nameOf(time.raw.from, time.raw.to);
  const shown =
    name ? t(name[0], { n: name[1] }) :
    isRelative(time.raw) ? `${time.raw.from} – ${time.raw.to}` :
    `${clock(time.range.from, l, time.zone, true)} – ${clock(time.range.to, l, time.zone, true)}`;
  const width = time.range.to - time.range.from;
  return (
    <Group gap={4} wrap="nowrap">
      <Popover opened={open} onChange={setOpen} position="bottom-end" width={420} transitionProps={{ duration: 80 }}>
        <Popover.Target>
          <Button variant="default" onClick={() => setOpen(!open)} leftSection={<Icon name="clock" size={14} />} aria-label={`${t(m.range)}: ${shown}`}><span className="ellipsis">{shown}</span></Button>
        </Popover.Target>
        <Popover.Dropdown>{open && <Picker done={() => setOpen(false)} />}</Popover.Dropdown>
      </Popover>
      <Button.Group visibleFrom="md">
        <ActionIcon variant="default" aria-label={t(m.earlier)} title={t(m.earlier)} onClick={() => time.zoom(time.range.from - width / 2, time.range.to - width / 2)}><Icon name="left" size={14} /></ActionIcon>
        <ActionIcon variant="default" aria-label={t(m.later)} title={t(m.later)} onClick={() => time.zoom(time.range.from + width / 2, time.range.to + width / 2)}><Icon name="right" size={14} /></ActionIcon>
        <ActionIcon variant="default" aria-label={t(m.out)} title={t(m.out)} onClick={() => time.zoom(time.range.from - width / 2, time.range.to + width / 2)}><Icon name="quiet" size={14} /></ActionIcon>
      </Button.Group>
      <Menu position="bottom-end">
        <Menu.Target>
          <Button variant="default" px={8} aria-label={`${t(m.every)} ${time.refresh ? pauseName(time.refresh) : t(m.off)}`} leftSection={<Icon name="refresh" size={14} />} visibleFrom="xs">{time.refresh ? pauseName(time.refresh) : ''}</Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item onClick={refreshNow}>{t(m.refresh)}</Menu.Item>
          <Menu.Label>{t(m.every)}</Menu.Label>
          {pauses.map((p) => <Menu.Item key={p} onClick={() => time.setRefresh(p)}>{p === '' ? t(m.off) : p}</Menu.Item>)}
        </Menu.Dropdown>
      </Menu>
    </Group>
  );
}

const pauseName = (ms: number): string => (ms % 60_000 === 0 ? `${ms / 60_000}m` : `${ms / 1000}s`);

function nameOf(from: string, to: string): [typeof m.last, string] | undefined {
  if (to === 'now' && /^now-\d+[smhdwMy]$/.test(from)) return [m.last, from.slice(4)];
  if (from === 'now/d' && (to === 'now/d' || to === 'now')) return [m.today, ''];
  if (from === 'now-1d/d' && to === 'now-1d/d') return [m.yesterday, ''];
  if (from === 'now/w' && (to === 'now/w' || to === 'now')) return [m.week, ''];
  return undefined;
}

function Picker({ done }: { done: () => void }): ReactNode {
  const t = useT();
  const time = useTime();
  const [from, setFrom] = useState(time.raw.from);
  const [to, setTo] = useState(time.raw.to);
  const bad = (s: string, up: boolean): string | undefined => (resolveTime(s, Date.now(), up, time.zone) === undefined ? t(m.bad) : undefined);
  const pick = (a: string, b: string): void => {
    time.setRange({ from: a, to: b });
    done();
  };
  return (
    <Group align="flex-start" wrap="nowrap" gap="lg">
      <Stack gap="sm" style={{ flex: 1 }}>
        <form onSubmit={(e) => { e.preventDefault(); if (!bad(from, false) && !bad(to, true)) pick(from, to); }}>
          <Stack gap="sm">
            <TextInput label={t(m.from)} value={from} onChange={(e) => setFrom(e.currentTarget.value)} error={bad(from, false)} data-autofocus />
            <TextInput label={t(m.to)} value={to} onChange={(e) => setTo(e.currentTarget.value)} error={bad(to, true)} />
            <Button type="submit" variant="filled">{t(m.show)}</Button>
          </Stack>
        </form>
        <Select label={t(m.zone)} searchable value={time.zone} onChange={(z) => time.setZone(z ?? 'browser')}
          data={[{ value: 'browser', label: t(m.browser) }, { value: 'utc', label: 'UTC' }, ...zones()]} comboboxProps={{ withinPortal: false }} />
      </Stack>
      <Stack gap={2} style={{ width: 128 }}>
        {quick.map((q) => <Button key={q} variant="subtle" justify="flex-start" size="compact-xs" onClick={() => pick(`now-${q}`, 'now')}>{t(m.last, { n: q })}</Button>)}
        <Button variant="subtle" justify="flex-start" size="compact-xs" onClick={() => pick('now/d', 'now/d')}>{t(m.today)}</Button>
        <Button variant="subtle" justify="flex-start" size="compact-xs" onClick={() => pick('now-1d/d', 'now-1d/d')}>{t(m.yesterday)}</Button>
        <Button variant="subtle" justify="flex-start" size="compact-xs" onClick={() => pick('now/w', 'now/w')}>{t(m.week)}</Button>
      </Stack>
    </Group>
  );
}

function zones(): string[] {
  return Intl.supportedValuesOf('timeZone').filter((z) => z !== 'UTC');
}
