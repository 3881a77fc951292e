import { ActionIcon, Button, Group, Menu, Select, Switch, TextInput } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { type DragEvent, lazy, type ReactNode, Suspense, useDeferredValue, useMemo, useState } from 'react';

import { deleteDashboard, type DashboardMeta, importDashboard, listDashboards, readDashboard, star } from '../../api/dashboards';
import { useMe } from '../../api/me';
import { keepTime } from '../../app/Frame';
import { useLanguage, useT } from '../../i18n';
import { useSaid } from '../../i18n/useSaid';
import { fits, retitled, stock } from '../../stock';
import { download } from '../../ui/files';
import { Icon } from '../../ui/icons';
import { Ago, Empty, errorText, Failed, Loading, Notice, Page } from '../../ui/parts';
import { fileName } from './files';
import { withoutUID } from './importing';

const Confirm = lazy(() => import('../../ui/Confirm').then((x) => ({ default: x.Confirm })));
const ImportDialog = lazy(() => import('./ImportDialog').then((x) => ({ default: x.ImportDialog })));

const m = {
  title: { en: 'Dashboards', zh: '仪表盘' },
  sentence: { en: '{n} dashboards in {folders} folders', zh: '{folders} 个文件夹中共 {n} 个仪表盘' },
  found: { en: '{n} of {all} dashboards fit', zh: '{all} 个仪表盘中有 {n} 个匹配' },
  none: { en: '0 dashboards: import Grafana\'s JSON, or make one', zh: '0 个仪表盘：导入 Grafana JSON 或新建' },
  reading: { en: 'Reading the dashboards', zh: '正在读取仪表盘' },
  play: { en: 'Play these', zh: '轮播以下仪表盘' },
  playHow: { en: 'One after the other, 30 s each, without the frame. The address is the playlist.', zh: '依次显示，每个 30 秒，不带边框。地址即播放列表。' },
  duplicate: { en: 'Duplicate', zh: '复制一份' },
  copyOf: { en: '{title} (copy)', zh: '{title}（副本）' },
  import: { en: 'Import', zh: '导入' },
  new: { en: 'New', zh: '新建' },
  search: { en: 'Search', zh: '搜索' },
  tag: { en: 'Tag', zh: '标签' },
  starred: { en: 'Starred', zh: '已收藏' },
  sort: { en: 'Sort', zh: '排序' },
  byTitle: { en: 'By title', zh: '按标题' },
  byUpdated: { en: 'Newest first', zh: '最近更新' },
  byPanels: { en: 'Most panels', zh: '面板最多' },
  noFolder: { en: 'Without a folder', zh: '无文件夹' },
  name: { en: 'Title', zh: '标题' },
  tags: { en: 'Tags', zh: '标签' },
  panels: { en: 'Panels', zh: '面板' },
  updated: { en: 'Changed', zh: '更新时间' },
  star: { en: 'Star {title}', zh: '收藏 {title}' },
  unstar: { en: 'Take the star from {title}', zh: '取消收藏 {title}' },
  menu: { en: 'Menu of {title}', zh: '{title} 的菜单' },
  export: { en: 'Export JSON', zh: '导出 JSON' },
  versions: { en: 'Versions', zh: '版本' },
  remove: { en: 'Delete', zh: '删除' },
  sure: { en: 'Delete "{title}" with its versions and links?', zh: '删除“{title}”及其版本和链接？' },
  file: { en: 'from a file', zh: '来自文件' },
  emptyTitle: { en: 'There are no dashboards yet', zh: '还没有仪表盘' },
  emptyWhy: { en: 'Drop Grafana\'s JSON files here, or import a folder of them:', zh: '将 Grafana JSON 文件拖放到此处，或导入整个文件夹：' },
  emptyFit: { en: 'No dashboard fits', zh: '没有匹配的仪表盘' },
  emptyFitWhy: { en: 'Search for less, or clear the filters.', zh: '缩小搜索条件或清除筛选。' },
  clear: { en: 'Clear the filters', zh: '清除筛选' },
  more: { en: 'There are more than are shown. Search to narrow the list.', zh: '还有更多未显示，请通过搜索缩小范围。' },
  signIn: { en: 'Sign in as an editor to import or make dashboards.', zh: '以编辑者身份登录后可导入或新建仪表盘。' },
  byWho: { en: 'by {who}', zh: '{who}' },
};

type Sort = 'title' | 'updated' | 'panels';

/** sorted orders dashboards; equal ones by title. */
export function sorted(list: readonly DashboardMeta[], by: Sort, lang: string): DashboardMeta[] {
  const title = new Intl.Collator(lang, { numeric: true, sensitivity: 'base' });
  const first = (a: DashboardMeta, b: DashboardMeta): number => (by === 'updated' ? (b.updated ?? '').localeCompare(a.updated ?? '') : by === 'panels' ? b.panels - a.panels : 0);
  return [...list].sort((a, b) => first(a, b) || title.compare(a.title, b.title));
}

/** List is all dashboards, by folder. */
export function List(): ReactNode {
  const t = useT();
  const said = useSaid();
  const l = useLanguage();
  const client = useQueryClient();
  const navigate = useNavigate();
  const { me, may } = useMe();
  const search = useSearch({ strict: false }) as { query?: string; tag?: string; folder?: string; starred?: string; sort?: string; import?: string };
  const query = search.query ?? '';
  const late = useDeferredValue(query);
  const starred = search.starred === 'true';
  const [problem, setProblem] = useState<unknown>();
  const set = (by: Record<string, string | undefined>): void => void navigate({ to: '.', replace: true, search: (old: Record<string, unknown>) => ({ ...old, ...by }) } as never);
  const all = useQuery({ queryKey: ['dashboards', 'all'], queryFn: ({ signal }) => listDashboards({}, signal) });
  const filtering = late !== '' || !!search.tag || !!search.folder || starred;
  const found = useQuery({
    queryKey: ['dashboards', 'found', late, search.tag, search.folder, starred], enabled: filtering,
    queryFn: ({ signal }) => listDashboards({ query: late, tag: search.tag, folder: search.folder, starred }, signal),
  });
  const words = stock.use();
  const shown = filtering ? found : all;
  const list = useMemo(() => {
    const fromServer = shown.data?.dashboards ?? [];
    if (!words) return fromServer;
    // The server knows the English titles of what ships: those of the reader are looked through here.
    const more = !filtering || late === '' ? [] : (all.data?.dashboards ?? []).filter((d) =>
      d.shipped && fits(words.say(d.title), late) && !fromServer.some((x) => x.uid === d.uid)
      && (!search.tag || d.tags.includes(search.tag)) && (!search.folder || d.folder === search.folder) && (!starred || d.starred));
    return retitled([...fromServer, ...more], words);
  }, [shown.data, all.data, words, filtering, late, search.tag, search.folder, starred]);
  const tags = useMemo(() => [...new Set((all.data?.dashboards ?? []).flatMap((d) => d.tags))].sort(), [all.data]);
  const by = (['title', 'updated', 'panels'] as const).find((s) => s === search.sort) ?? 'title';
  const folders = useMemo(() => {
    const out = new Map<string, DashboardMeta[]>();
    for (const d of sorted(list, by, l)) out.set(d.folder, [...(out.get(d.folder) ?? []), d]);
    return [...out].sort(([a], [b]) => (a === '' ? -1 : b === '' ? 1 : a.localeCompare(b, l)));
  }, [list, by, l]);
  const played = folders.flatMap(([, list]) => list).slice(0, 50).map((d) => d.uid);
  const change = may('change');
  const n = all.data?.dashboards.length ?? 0;
  const run = (what: Promise<unknown>): void => {
    setProblem(undefined);
    what.then(() => client.invalidateQueries({ queryKey: ['dashboards'] }), setProblem);
  };
  const drop = (e: DragEvent): void => {
    if (!change || e.dataTransfer.files.length === 0) return;
    e.preventDefault();
    set({ import: '' });
  };
  const sentence = all.isError ? undefined : !all.data ? t(m.reading) : n === 0 ? t(m.none) : filtering ? t(m.found, { n: list.length, all: n }) : t(m.sentence, { n, folders: folders.length });
  const importButton = change && <Button onClick={() => set({ import: '' })}>{t(m.import)}</Button>;
  return (
    <div onDragOver={(e) => { if (change) e.preventDefault(); }} onDrop={drop}>
      <Page title={t(m.title)} sentence={sentence} actions={
        <>
          {played.length > 1 && <Button variant="default" title={t(m.playHow)} onClick={() => void navigate({ to: '/playlist', search: (old: Record<string, unknown>) => ({ ...keepTime(old), d: played, every: '30s' }) } as never)}>{t(m.play)}</Button>}
          {change && <Button variant="default" onClick={() => set({ import: '' })}>{t(m.import)}</Button>}
          {change && <Button onClick={() => void navigate({ to: '/dashboards/new', search: keepTime } as never)} leftSection={<Icon name="add" size={14} />}>{t(m.new)}</Button>}
        </>
      }>
        <Group gap="sm" mb="md" align="center">
          <TextInput aria-label={t(m.search)} placeholder={t(m.search)} value={query} onChange={(e) => set({ query: e.currentTarget.value || undefined })} leftSection={<Icon name="search" size={14} />} w={260} />
          <Select aria-label={t(m.tag)} placeholder={t(m.tag)} data={tags} value={search.tag ?? null} onChange={(v) => set({ tag: v ?? undefined })} clearable searchable limit={200} w={160} />
          <Select aria-label={t(m.sort)} data={[{ value: 'title', label: t(m.byTitle) }, { value: 'updated', label: t(m.byUpdated) }, { value: 'panels', label: t(m.byPanels) }]} value={by} allowDeselect={false}
            onChange={(v) => set({ sort: v === 'title' ? undefined : v ?? undefined })} w={140} />
          {me && me.method !== 'anonymous' && <Switch label={t(m.starred)} checked={starred} onChange={(e) => set({ starred: e.currentTarget.checked ? 'true' : undefined })} />}
          {filtering && <Button variant="subtle" onClick={() => set({ query: undefined, tag: undefined, folder: undefined, starred: undefined })}>{t(m.clear)}</Button>}
        </Group>
        {problem !== undefined && <Notice tone="critical">{said(errorText(problem))}</Notice>}
        {shown.error ? <Failed error={shown.error} retry={() => void shown.refetch()} /> :
          !shown.data ? <Loading height={320} /> :
          folders.length === 0 ? (
            filtering ? <Empty title={t(m.emptyFit)}>{t(m.emptyFitWhy)}</Empty> :
            <Empty title={t(m.emptyTitle)} action={importButton || <span>{t(m.signIn)}</span>}>{t(m.emptyWhy)} <code>touchline dashboards import --url={window.location.origin} DIR</code></Empty>
          ) : folders.map(([folder, list]) => (
            <section key={folder} className="card" style={{ marginBottom: 12 }}>
              <div className="card-head">
                <h2 className="ellipsis">{folder || t(m.noFolder)}</h2>
                <span className="muted">{list.length}</span>
              </div>
              <div className="table-scroll">
                <table className="table as-cards">
                  <thead><tr><th style={{ width: 24 }} /><th>{t(m.name)}</th><th style={{ width: '28%' }}>{t(m.tags)}</th><th className="num" style={{ width: 70 }}>{t(m.panels)}</th><th style={{ width: 170 }}>{t(m.updated)}</th><th style={{ width: 40 }} /></tr></thead>
                  <tbody>
                    {list.slice(0, 1000).map((d) => <Row key={d.uid} d={d} signedIn={!!me && me.method !== 'anonymous'} change={change} run={run} pick={(tag) => set({ tag })} />)}
                  </tbody>
                </table>
              </div>
            </section>
          ))}
        {shown.data?.more && <Notice tone="info">{t(m.more)}</Notice>}
      </Page>
      {search.import !== undefined && change && <Suspense><ImportDialog close={() => set({ import: undefined })} /></Suspense>}
    </div>
  );
}

/** copy makes a dashboard of one's own of another, in the same folder. Its title is of the one that is kept, not of the one that is shown. */
async function copy(d: DashboardMeta, named: (title: string) => string): Promise<void> {
  const { dashboard, meta } = await readDashboard(d.uid);
  // A list needs nothing of what edits dashboards.
  const { formOf, loadForm } = await import('./forms');
  await loadForm(dashboard);
  const { version: _version, ...rest } = withoutUID(formOf(dashboard).named(dashboard, named(meta.title)));
  await importDashboard({ dashboard: rest, folder: d.folder });
}

function Row({ d, signedIn, change, run, pick }: { d: DashboardMeta; signedIn: boolean; change: boolean; run: (what: Promise<unknown>) => void; pick: (tag: string) => void }): ReactNode {
  const t = useT();
  const client = useQueryClient();
  const [asked, setAsked] = useState(false);
  const navigate = useNavigate();
  return (
    <tr>
      <td style={{ paddingRight: 0 }}>
        {signedIn ? (
          <ActionIcon variant="transparent" size="sm" color={d.starred ? 'yellow' : 'gray'} aria-pressed={d.starred} aria-label={t(d.starred ? m.unstar : m.star, { title: d.title })} onClick={() => run(star(d.uid, !d.starred))}>
            <Icon name="star" size={14} />
          </ActionIcon>
        ) : null}
      </td>
      <td>
        <Link to={`/d/${encodeURIComponent(d.uid)}` as never} search={keepTime as never} preload={false} style={{ textDecoration: 'underline', textUnderlineOffset: 3 }}>{d.title || d.uid}</Link>
        {d.provisioned && <span className="muted"> · {t(m.file)}</span>}
      </td>
      <td data-name={t(m.tags)}><span className="labels">{d.tags.slice(0, 12).map((x) => <button key={x} type="button" className="label" style={{ cursor: 'pointer' }} onClick={() => pick(x)}>{x}</button>)}</span></td>
      <td className="num" data-name={t(m.panels)}>{d.panels}</td>
      <td data-name={t(m.updated)}><Ago at={d.updated} />{d.updated_by ? <span className="muted"> {t(m.byWho, { who: d.updated_by })}</span> : null}</td>
      <td>
        <Menu position="bottom-end">
          <Menu.Target><ActionIcon variant="subtle" color="gray" size="sm" aria-label={t(m.menu, { title: d.title })}><Icon name="more" size={16} /></ActionIcon></Menu.Target>
          <Menu.Dropdown>
            <Menu.Item onClick={() => run(readDashboard(d.uid).then((k) => download(fileName(k.meta.title, 'json'), JSON.stringify(k.dashboard, null, 2))))}>{t(m.export)}</Menu.Item>
            <Menu.Item onClick={() => void navigate({ to: `/d/${encodeURIComponent(d.uid)}/versions`, search: keepTime } as never)}>{t(m.versions)}</Menu.Item>
            {change && <Menu.Item onClick={() => run(copy(d, (title) => t(m.copyOf, { title })))}>{t(m.duplicate)}</Menu.Item>}
            {change && !d.provisioned && <Menu.Item onClick={() => setAsked(true)}>{t(m.remove)}</Menu.Item>}
          </Menu.Dropdown>
        </Menu>
        {asked && <Suspense><Confirm title={t(m.remove)} verb={t(m.remove)} act={async () => { await deleteDashboard(d.uid, d.version); client.removeQueries({ queryKey: ['dashboard', d.uid] }); await client.invalidateQueries({ queryKey: ['dashboards'] }); }} close={() => setAsked(false)}>{t(m.sure, { title: d.title })}</Confirm></Suspense>}
      </td>
    </tr>
  );
}
