import { ActionIcon, Menu, useComputedColorScheme } from '@mantine/core';
import { useNavigate, useRouter, useSearch } from '@tanstack/react-router';
import { lazy, type ReactNode, Suspense, useRef, useState } from 'react';

import { keepTime } from '../../app/Frame';
import { useT } from '../../i18n';
import { interpolateQuery, label } from '../../model';
import { download } from '../../ui/files';
import { Icon } from '../../ui/icons';
import { emptyQuery, writeQueries } from '../explore/address';
import { fileName } from './files';
import { inspected, menuName, type Props } from './PanelMenu';

const Inspect = lazy(() => import('./Inspect').then((x) => ({ default: x.Inspect })));

const m = {
  view: { en: 'View full screen', zh: '全屏查看' },
  back: { en: 'Back to the dashboard', zh: '返回仪表盘' },
  edit: { en: 'Edit', zh: '编辑' },
  explore: { en: 'Explore', zh: '探索' },
  inspect: { en: 'Inspect', zh: '检查' },
  csv: { en: 'Save as CSV', zh: '保存为 CSV' },
  png: { en: 'Save as PNG', zh: '保存为 PNG' },
  link: { en: 'Copy the link', zh: '复制链接' },
  copied: { en: 'Copied', zh: '已复制' },
  duplicate: { en: 'Duplicate', zh: '复制面板' },
  remove: { en: 'Delete', zh: '删除' },
  failed: { en: 'This could not be saved: {error}', zh: '无法保存：{error}' },
};

/** OpenMenu is the menu of a panel that has been opened once. */
export function OpenMenu({ panel, data, shared, scope }: Props): ReactNode {
  const t = useT();
  const navigate = useNavigate();
  const router = useRouter();
  const inspecting = useSearch({ strict: false, select: (s: Record<string, unknown>) => inspected(s.inspect, panel) });
  const [open, setOpen] = useState(!inspecting);
  // Whether the step back in the history is the one before it was opened.
  const opened = useRef(false);
  const inspect = (): void => {
    opened.current = true;
    void navigate({ to: '.', search: (old: Record<string, unknown>) => ({ ...old, inspect: panel.id }) } as never);
  };
  const close = (): void => {
    if (opened.current) router.history.back();
    else void navigate({ to: '.', replace: true, search: (old: Record<string, unknown>) => ({ ...old, inspect: undefined }) } as never);
    opened.current = false;
  };
  const mode = useComputedColorScheme('dark');
  const [note, setNote] = useState('');
  const button = useRef<HTMLButtonElement>(null);
  const title = label(panel.title, scope) || `${panel.type} ${panel.id}`;
  // As they are sent; without the values where these make them too long to send.
  const exprs = panel.targets.filter((q) => q.expr !== '' && !q.hide).map((q) => {
    try {
      return interpolateQuery(q.expr, scope, shared.filterInto);
    } catch {
      return q.expr;
    }
  });
  const viewed = shared.viewed === panel.id;
  const run = (what: () => Promise<void>): void => {
    setNote('');
    what().catch((error: unknown) => setNote(t(m.failed, { error: error instanceof Error ? error.message : String(error) })));
  };
  const copy = async (): Promise<void> => {
    const url = new URL(window.location.href);
    for (const name of ['edit', 'editPanel', 'kiosk', 'share', 'inspect']) url.searchParams.delete(name);
    url.searchParams.set('viewPanel', String(panel.id));
    await navigator.clipboard.writeText(url.href);
    setNote(t(m.copied));
  };
  return (
    <>
      {note && <span className="muted" role="status">{note}</span>}
      <Menu position="bottom-end" withinPortal opened={open} onChange={setOpen}>
        <Menu.Target><ActionIcon ref={button} variant="subtle" color="gray" size="sm" aria-label={t(menuName, { title })}><Icon name="more" size={16} /></ActionIcon></Menu.Target>
        <Menu.Dropdown>
          <Menu.Item leftSection={<Icon name="full" size={14} />} onClick={() => shared.view(viewed ? undefined : panel.id)}>{t(viewed ? m.back : m.view)}</Menu.Item>
          {shared.edit && <Menu.Item leftSection={<Icon name="edit" size={14} />} onClick={() => shared.edit!.open(panel.id)}>{t(m.edit)}</Menu.Item>}
          {exprs.length > 0 && (
            <Menu.Item leftSection={<Icon name="explore" size={14} />} onClick={() => void navigate({ to: '/explore', search: (old: Record<string, unknown>) => writeQueries(keepTime(old), exprs.map((expr) => emptyQuery(expr))) } as never)}>{t(m.explore)}</Menu.Item>
          )}
          <Menu.Item leftSection={<Icon name="search" size={14} />} onClick={inspect}>{t(m.inspect)}</Menu.Item>
          <Menu.Item leftSection={<Icon name="download" size={14} />} disabled={data.frames.length === 0}
            onClick={() => run(async () => download(fileName(title, 'csv'), (await import('../../panels/export/csv')).csvOf(data.frames), 'text/csv;charset=utf-8'))}>{t(m.csv)}</Menu.Item>
          <Menu.Item leftSection={<Icon name="download" size={14} />}
            onClick={() => run(async () => {
              const element = button.current?.closest<HTMLElement>('[data-panel-id]');
              if (element) download(fileName(title, 'png'), await (await import('../../panels/export/png')).pngOf(element, mode));
            })}>{t(m.png)}</Menu.Item>
          <Menu.Item leftSection={<Icon name="link" size={14} />} onClick={() => run(copy)}>{t(m.link)}</Menu.Item>
          {shared.edit && <Menu.Divider />}
          {shared.edit && <Menu.Item onClick={() => shared.edit!.duplicate(panel.id)}>{t(m.duplicate)}</Menu.Item>}
          {shared.edit && <Menu.Item leftSection={<Icon name="trash" size={14} />} onClick={() => shared.edit!.remove(panel.id)}>{t(m.remove)}</Menu.Item>}
        </Menu.Dropdown>
      </Menu>
      {inspecting && <Suspense><Inspect title={title} panel={panel} data={data} close={close} /></Suspense>}
    </>
  );
}
