import { Select, Stack, Tabs, TagsInput, TextInput, Textarea } from '@mantine/core';
import { type ReactNode, useMemo } from 'react';

import type { DashboardJSON } from '../../../api/dashboards';
import { useT } from '../../../i18n';
import { at, put } from '../draft';
import { type Edited, type Form, formOf } from '../forms';
import { JSONField } from './JSONField';
import { Variables } from './Variables';

const m = {
  general: { en: 'General', zh: '常规' },
  variables: { en: 'Variables', zh: '变量' },
  annotations: { en: 'Annotations', zh: '注释' },
  links: { en: 'Links', zh: '链接' },
  json: { en: 'JSON', zh: 'JSON' },
  title: { en: 'Title', zh: '标题' },
  description: { en: 'Description', zh: '描述' },
  tags: { en: 'Tags', zh: '标签' },
  folder: { en: 'Folder', zh: '文件夹' },
  from: { en: 'Time range from', zh: '时间范围起' },
  to: { en: 'to', zh: '止' },
  refresh: { en: 'Refresh every', zh: '刷新间隔' },
  off: { en: 'Off', zh: '关闭' },
  crosshair: { en: 'Crosshair', zh: '十字线' },
  own: { en: 'Each panel its own', zh: '各面板独立' },
  shared: { en: 'Shared', zh: '共享' },
  tips: { en: 'Shared, with tooltips', zh: '共享并显示提示' },
  zone: { en: 'Time zone', zh: '时区' },
  browser: { en: 'Of the browser', zh: '浏览器时区' },
  whole: { en: 'The whole dashboard', zh: '整个仪表盘' },
};

/** Settings edits all of a dashboard but its panels. Where the dashboard is not classic, that part of it stands here as if it were. */
export function Settings({ dashboard, folder, onChange }: { dashboard: DashboardJSON; folder: string; onChange: (by: (form: Form, d: DashboardJSON) => Edited, folder?: string) => void }): ReactNode {
  const t = useT();
  const head = useMemo(() => formOf(dashboard).head(dashboard), [dashboard]);
  const text = (...path: string[]): string => { const v = at(head, path); return typeof v === 'string' ? v : ''; };
  const set = (path: string[], v: unknown): void => onChange((form, d) => form.settle(d, put(form.head(d), path, v)));
  const list = (v: unknown): unknown[] => (Array.isArray(v) ? v : []);
  return (
    <Tabs defaultValue="general" keepMounted={false}>
      <Tabs.List>
        {(['general', 'variables', 'annotations', 'links', 'json'] as const).map((k) => <Tabs.Tab key={k} value={k}>{t(m[k])}</Tabs.Tab>)}
      </Tabs.List>
      <Tabs.Panel value="general" pt="sm">
        <Stack gap="sm" maw={520}>
          <TextInput label={t(m.title)} value={text('title')} onChange={(e) => set(['title'], e.currentTarget.value)} maxLength={500} />
          <Textarea label={t(m.description)} value={text('description')} onChange={(e) => set(['description'], e.currentTarget.value || undefined)} autosize minRows={2} maxRows={8} />
          <TagsInput label={t(m.tags)} value={list(head.tags).filter((x): x is string => typeof x === 'string')} onChange={(v) => set(['tags'], v)} />
          <TextInput label={t(m.folder)} value={folder} onChange={(e) => { const to = e.currentTarget.value; onChange((_, d) => ({ dashboard: d }), to); }} maxLength={200} />
          <TextInput label={t(m.from)} value={text('time', 'from')} placeholder="now-6h" onChange={(e) => set(['time', 'from'], e.currentTarget.value)} />
          <TextInput label={t(m.to)} value={text('time', 'to')} placeholder="now" onChange={(e) => set(['time', 'to'], e.currentTarget.value)} />
          <Select label={t(m.refresh)} data={[{ value: '', label: t(m.off) }, ...['5s', '10s', '30s', '1m', '5m', '15m', '1h']]} value={text('refresh')} allowDeselect={false} onChange={(v) => set(['refresh'], v ?? '')} />
          <Select label={t(m.zone)} data={[{ value: 'browser', label: t(m.browser) }, { value: 'utc', label: 'UTC' }, ...Intl.supportedValuesOf('timeZone').filter((z) => z !== 'UTC')]} searchable value={text('timezone') || 'browser'} allowDeselect={false} onChange={(v) => set(['timezone'], v)} />
          <Select label={t(m.crosshair)} data={[{ value: '0', label: t(m.own) }, { value: '1', label: t(m.shared) }, { value: '2', label: t(m.tips) }]} value={String(head.graphTooltip ?? 0)} allowDeselect={false} onChange={(v) => set(['graphTooltip'], Number(v))} />
        </Stack>
      </Tabs.Panel>
      <Tabs.Panel value="variables" pt="sm"><Variables list={list(at(head, ['templating', 'list']))} onChange={(v) => set(['templating', 'list'], v)} /></Tabs.Panel>
      <Tabs.Panel value="annotations" pt="sm" keepMounted><JSONField label={t(m.annotations)} value={list(at(head, ['annotations', 'list']))} kind="list" onChange={(v) => set(['annotations', 'list'], v)} /></Tabs.Panel>
      <Tabs.Panel value="links" pt="sm" keepMounted><JSONField label={t(m.links)} value={list(head.links)} kind="list" onChange={(v) => set(['links'], v)} /></Tabs.Panel>
      <Tabs.Panel value="json" pt="sm" keepMounted><JSONField label={t(m.whole)} value={dashboard} kind="object" rows={28} onChange={(v) => onChange(() => ({ dashboard: v as DashboardJSON }))} /></Tabs.Panel>
    </Tabs>
  );
}
