import { ActionIcon, Button, Menu } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useBlocker, useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { lazy, type ReactNode, Suspense, useCallback, useEffect, useMemo, useRef, useState } from 'react';

import { ApiError, extraHeaders, shareHeader } from '../../api/client';
import { type DashboardJSON, deleteDashboard, type Kept, type Saved, star } from '../../api/dashboards';
import { useMe } from '../../api/me';
import { keepTime } from '../../app/Frame';
import { type Message, useLanguage, useT } from '../../i18n';
import { useSaid } from '../../i18n/useSaid';
import { everyPanel, normalize } from '../../model';
import { stock, titleOf } from '../../stock';
import type { TimeSearch } from '../../time/state';
import { download } from '../../ui/files';
import { Icon } from '../../ui/icons';
import { Empty, errorText, Failed, Loading, Notice, Page } from '../../ui/parts';
import { type Draft, keepDraft, keptDraft, newDashboard, newPanel, type PanelJSON } from './draft';
import { beginning } from './editable';
import { fileName } from './files';
import { type Edited, type Form, formOf } from './forms';
import { readKept } from './kept';
import { type Editing, View } from './View';

const Confirm = lazy(() => import('../../ui/Confirm').then((x) => ({ default: x.Confirm })));
const Gone = lazy(() => import('./Gone').then((x) => ({ default: x.Gone })));
const SaveDialog = lazy(() => import('./SaveDialog').then((x) => ({ default: x.SaveDialog })));
const ShareDialog = lazy(() => import('./ShareDialog').then((x) => ({ default: x.ShareDialog })));
const Settings = lazy(() => import('./edit/Settings').then((x) => ({ default: x.Settings })));

const m = {
  loading: { en: 'Loading', zh: '正在加载' },
  sentence: { en: '{panels} panels', zh: '{panels} 个面板' },
  sentenceFile: { en: '{panels} panels, from the file {file}: read-only here, edits leave as a patch', zh: '{panels} 个面板，来自文件 {file}：此处只读，修改将以补丁形式导出' },
  edit: { en: 'Edit', zh: '编辑' },
  done: { en: 'Stop editing', zh: '结束编辑' },
  save: { en: 'Save', zh: '保存' },
  patch: { en: 'Make a patch', zh: '生成补丁' },
  discard: { en: 'Discard', zh: '放弃修改' },
  add: { en: 'Add', zh: '添加' },
  panel: { en: 'Panel', zh: '面板' },
  text: { en: 'Text', zh: '文本' },
  row: { en: 'Row', zh: '行' },
  settings: { en: 'Settings', zh: '设置' },
  star: { en: 'Star', zh: '收藏' },
  unstar: { en: 'Take the star away', zh: '取消收藏' },
  share: { en: 'Share', zh: '分享' },
  more: { en: 'More', zh: '更多' },
  export: { en: 'Export JSON', zh: '导出 JSON' },
  versions: { en: 'Versions', zh: '版本' },
  kiosk: { en: 'Kiosk mode', zh: '大屏模式' },
  leaveKiosk: { en: 'Leave kiosk mode', zh: '退出大屏模式' },
  remove: { en: 'Delete', zh: '删除' },
  sure: { en: 'Delete "{title}" with its versions and links?', zh: '删除“{title}”及其版本和链接？' },
  leave: { en: 'There are unsaved edits. They stay in this tab if you leave.', zh: '有未保存的修改。离开后修改仍保留在此标签页中。' },
  go: { en: 'Leave', zh: '离开' },
  restored: { en: 'Unsaved edits of this tab are shown. Save or discard them.', zh: '正在显示此标签页中未保存的修改。请保存或放弃。' },
  tooLarge: { en: 'The edits are too large to outlive a reload of the page. Save them before you leave.', zh: '修改内容过大，刷新页面后无法恢复。请在离开前保存。' },
  newTitle: { en: 'New dashboard', zh: '新建仪表盘' },
  may: { en: 'Saving takes the role of an editor', zh: '保存需要编辑者角色' },
  newer: { en: 'The edit began from an older version. Saving will show what has changed since.', zh: '修改基于较旧的版本。保存时将显示期间的变更。' },
  lost: { en: 'There is no dashboard to show', zh: '没有可显示的仪表盘' },
  changed: { en: 'Unsaved edits', zh: '未保存的修改' },
  asClassic: { en: 'To have that, save the dashboard as a classic one first, or edit its JSON.', zh: '如需如此，请先另存为经典仪表盘，或编辑其 JSON。' },
};

/** united adds to what the form could not say, each once. */
function united(old: Message[] | undefined, more: Message[] | undefined): Message[] | undefined {
  const all = [...(old ?? []), ...(more ?? [])];
  return all.length === 0 ? undefined : all.filter((x, i) => all.findIndex((y) => y.en === x.en) === i).slice(-20);
}

/** DashboardPage shows a dashboard by its uid. */
export function DashboardPage(): ReactNode {
  const { uid } = useParams({ strict: false }) as { uid: string };
  const { share } = useSearch({ strict: false }) as { share?: unknown };
  const token = typeof share === 'string' ? share : undefined;
  // Before anything is asked: the link is what lets the reader in.
  if (token !== undefined) extraHeaders[shareHeader] = token;
  useEffect(() => {
    if (token === undefined) return;
    extraHeaders[shareHeader] = token;
    return () => void delete extraHeaders[shareHeader];
  }, [token]);
  const kept = useQuery({
    queryKey: ['dashboard', uid], queryFn: ({ signal }) => readKept(uid, signal), staleTime: 30_000, refetchOnWindowFocus: false,
    placeholderData: undefined, // another dashboard's panels would ask for data that nobody wants
  });
  // An edit of what somebody else has deleted stays: it can be exported.
  if (kept.error instanceof ApiError && kept.error.status === 404 && !keptDraft(sessionStorage, uid)) return <><div data-dashboard-state="ready" /><Suspense><Gone /></Suspense></>;
  if (kept.error && !kept.data) return <><div data-dashboard-state="ready" /><Failed error={kept.error} retry={() => void kept.refetch()} /></>;
  if (!kept.data) return <div data-dashboard-state="loading"><Loading height={400} /></div>;
  return <Editor key={uid} uid={uid} kept={kept.data} />;
}

/** sheetOf is the length of a sheet that is printed on, in pixels: 0 is endless, undefined is a screen. */
function sheetOf(print: unknown): number | undefined {
  const length = print === '' ? 0 : Number(print ?? NaN);
  return Number.isFinite(length) && length >= 0 ? length : undefined;
}

/** NewDashboard is a dashboard that has not been saved yet. */
export function NewDashboard(): ReactNode {
  const t = useT();
  const kept = useMemo<Kept>(() => ({
    dashboard: newDashboard(t(m.newTitle)), etag: '',
    meta: { uid: '', title: t(m.newTitle), folder: '', tags: [], starred: false, provisioned: false, panels: 0, updated: '', version: 0, can_edit: true },
  }), []);
  return <Editor uid="" kept={kept} />;
}

function Editor({ uid, kept }: { uid: string; kept: Kept }): ReactNode {
  const t = useT();
  const said = useSaid();
  const l = useLanguage();
  const navigate = useNavigate();
  const client = useQueryClient();
  const search = useSearch({ strict: false }) as Record<string, unknown>;
  const { me, may } = useMe();
  const key = uid || 'new';
  const [draft, setDraftState] = useState<Draft | undefined>(() => keptDraft(sessionStorage, key));
  const [restored] = useState(draft !== undefined);
  const [small, setSmall] = useState(true);
  const [dialog, setDialog] = useState<'save' | 'share' | 'remove' | undefined>();
  const [problem, setProblem] = useState<unknown>();
  const stored = useMemo(() => normalize(kept.dashboard), [kept.dashboard]);
  const model = useMemo(() => (draft ? normalize(draft.dashboard) : stored), [draft, stored]);
  const leaving = useRef(false);
  const discarding = useRef(false);
  const dirty = draft !== undefined;
  const sheet = sheetOf(search.print);
  const kiosk = search.kiosk !== undefined || sheet !== undefined;
  const shared = search.share !== undefined;
  const editable = !shared && (uid === '' || kept.meta.can_edit || kept.meta.provisioned || may('change'));
  const editing = editable && (uid === '' || search.edit !== undefined || dirty || search.editPanel !== undefined);
  // For reading only: what is edited and exported is what is kept.
  const words = stock.use();
  const shown = useMemo(() => (words && kept.meta.shipped && !editing ? words.localize(model) : model), [words, kept.meta.shipped, editing, model]);
  const title = shown.title || titleOf(kept.meta, words);
  const count = everyPanel(model.panels).filter((p) => p.type !== 'row' && !p.tabs).length;

  const begin = useCallback(() => beginning(stored, kept.dashboard), [stored, kept.dashboard]);
  const latest = useRef(draft?.dashboard);
  latest.current = draft?.dashboard;
  const turned = useRef<ReadonlyMap<number, number>>(new Map());
  const setDraft = useCallback((d: Draft | undefined) => {
    setDraftState(d);
    setSmall(keepDraft(sessionStorage, key, d) || d === undefined);
  }, [key]);
  const change = useCallback((by: (form: Form, d: DashboardJSON) => Edited, folder?: string) => setDraftState((old) => {
    if (discarding.current) return old;
    const d = old?.dashboard ?? begin();
    const edited = by(formOf(d), d);
    const next: Draft = {
      dashboard: edited.dashboard, folder: folder ?? old?.folder, etag: old?.etag ?? kept.etag, at: Date.now(), lost: united(old?.lost, edited.lost),
    };
    setSmall(keepDraft(sessionStorage, key, next));
    return next;
  }), [begin, kept.etag, key]);

  useEffect(() => {
    document.title = `${title} – Touchline`;
    return () => { document.title = 'Touchline'; };
  }, [title]);
  // The time of the dashboard goes into the address, which is where all of the page reads it.
  useEffect(() => {
    const add: TimeSearch = search.from === undefined && search.to === undefined ? { from: stored.time.from, to: stored.time.to } : {};
    if (search.refresh === undefined && stored.refresh !== '') add.refresh = stored.refresh;
    if (search.timezone === undefined && stored.timezone !== 'browser') add.timezone = stored.timezone;
    if (Object.keys(add).length > 0) void navigate({ to: '.', replace: true, search: (old: Record<string, unknown>) => ({ ...old, ...add }) } as never);
  }, [stored, search.from, search.to, search.refresh, search.timezone, navigate]);
  const going = useBlocker({
    withResolver: true,
    shouldBlockFn: ({ current, next }: { current: { pathname: string }; next: { pathname: string } }) => dirty && !leaving.current && current.pathname !== next.pathname,
    enableBeforeUnload: () => dirty && !leaving.current,
  });

  const go = useCallback((by: Record<string, unknown>) => void navigate({ to: '.', search: (old: Record<string, unknown>) => ({ ...old, ...by }) } as never), [navigate]);
  const add = useCallback((panel: PanelJSON) => change((form, d) => form.add(d, panel, turned.current)), [change]);
  const edits = useMemo<Editing>(() => ({
    duplicate: (id) => change((form, d) => form.duplicate(d, id)),
    remove: (id) => change((form, d) => form.remove(d, id)),
    move: (id, to) => change((form, d) => form.move(d, id, to)),
    change: (id, to) => change((form, d) => form.change(d, id, to)),
    add: () => {
      const d = latest.current ?? begin();
      const made = formOf(d).add(d, newPanel('timeseries', ''), turned.current);
      change(() => made);
      if (made.id !== undefined) go({ edit: '', editPanel: made.id });
    },
  }), [change, go, begin]);

  const discard = (): void => {
    // An editor that closes hands over what was typed last: that is not wanted either.
    discarding.current = true;
    setDraft(undefined);
    go({ edit: undefined, editPanel: undefined, settings: undefined });
  };
  useEffect(() => {
    if (!dirty && search.editPanel === undefined) discarding.current = false;
  }, [dirty, search.editPanel]);
  const after = (s: Saved, dashboard: DashboardJSON): void => {
    leaving.current = true;
    // What comes next is edited over what has just been saved, before it has been read back.
    if (s.uid === uid && draft) {
      client.setQueryData<Kept>(['dashboard', uid], { dashboard, etag: `"${s.version}"`, meta: { ...kept.meta, version: s.version, title: model.title, folder: draft.folder ?? kept.meta.folder } });
    }
    setDraft(undefined);
    setDialog(undefined);
    void client.invalidateQueries({ queryKey: ['dashboards'] });
    void client.invalidateQueries({ queryKey: ['dashboard', s.uid] });
    if (s.uid !== uid) void navigate({ to: `/d/${encodeURIComponent(s.uid)}`, search: keepTime } as never);
    else go({ edit: undefined, editPanel: undefined, settings: undefined });
    setTimeout(() => { leaving.current = false; });
  };
  const run = (what: Promise<unknown>): void => {
    setProblem(undefined);
    what.then(() => client.invalidateQueries({ queryKey: ['dashboard', uid] }), setProblem);
  };
  const remove = async (): Promise<void> => {
    await deleteDashboard(uid, kept.meta.version);
    leaving.current = true;
    setDraft(undefined);
    void client.invalidateQueries({ queryKey: ['dashboards'] });
    // Who goes back before this page is left sees what is asked again now, and who does so later must not find it.
    void client.invalidateQueries({ queryKey: ['dashboard', uid] });
    await navigate({ to: '/dashboards', search: keepTime } as never);
    client.removeQueries({ queryKey: ['dashboard', uid], type: 'inactive' });
  };
  if (model.raw === undefined) return <><div data-dashboard-state="ready" /><Empty title={t(m.lost)}>{model.warnings[0]?.[l]}</Empty></>;

  const actions = (
    <>
      {uid !== '' && !shared && me && me.method !== 'anonymous' && (
        <ActionIcon variant="default" aria-label={t(kept.meta.starred ? m.unstar : m.star)} aria-pressed={kept.meta.starred} onClick={() => run(star(uid, !kept.meta.starred))}>
          <span style={{ color: kept.meta.starred ? 'var(--warning)' : undefined, display: 'grid' }}><Icon name="star" size={14} /></span>
        </ActionIcon>
      )}
      {editing && (
        <Menu>
          <Menu.Target><Button variant="default" leftSection={<Icon name="add" size={14} />}>{t(m.add)}</Button></Menu.Target>
          <Menu.Dropdown>
            <Menu.Item onClick={edits.add}>{t(m.panel)}</Menu.Item>
            <Menu.Item onClick={() => add(newPanel('text', ''))}>{t(m.text)}</Menu.Item>
            <Menu.Item onClick={() => add(newPanel('row', t(m.row)))}>{t(m.row)}</Menu.Item>
          </Menu.Dropdown>
        </Menu>
      )}
      {editing && <Button variant="default" onClick={() => go({ settings: search.settings === undefined ? '' : undefined })}>{t(m.settings)}</Button>}
      {dirty && <Button variant="default" onClick={discard}>{t(m.discard)}</Button>}
      {editing && (kept.meta.provisioned || may('change')) && <Button disabled={!dirty} onClick={() => setDialog('save')}>{t(kept.meta.provisioned ? m.patch : m.save)}</Button>}
      {editing && !kept.meta.provisioned && !may('change') && <span className="muted">{t(m.may)}</span>}
      {editable && !dirty && uid !== '' && <Button variant="default" leftSection={<Icon name="edit" size={14} />} onClick={() => go({ edit: editing ? undefined : '', settings: undefined, editPanel: undefined })}>{t(editing ? m.done : m.edit)}</Button>}
      {uid !== '' && !shared && (
        <>
          <Button variant="default" leftSection={<Icon name="link" size={14} />} onClick={() => setDialog('share')}>{t(m.share)}</Button>
          <Menu position="bottom-end">
            <Menu.Target><ActionIcon variant="default" aria-label={t(m.more)}><Icon name="more" /></ActionIcon></Menu.Target>
            <Menu.Dropdown>
              <Menu.Item leftSection={<Icon name="download" size={14} />} onClick={() => download(fileName(model.title || kept.meta.title, 'json'), JSON.stringify(draft?.dashboard ?? kept.dashboard, null, 2))}>{t(m.export)}</Menu.Item>
              <Menu.Item leftSection={<Icon name="clock" size={14} />} onClick={() => void navigate({ to: `/d/${encodeURIComponent(uid)}/versions`, search: keepTime } as never)}>{t(m.versions)}</Menu.Item>
              <Menu.Item leftSection={<Icon name="full" size={14} />} onClick={() => go({ kiosk: '' })}>{t(m.kiosk)}</Menu.Item>
              {may('change') && !kept.meta.provisioned && <Menu.Item leftSection={<Icon name="trash" size={14} />} onClick={() => setDialog('remove')}>{t(m.remove)}</Menu.Item>}
            </Menu.Dropdown>
          </Menu>
        </>
      )}
      {kiosk && !shared && <ActionIcon variant="subtle" color="gray" aria-label={t(m.leaveKiosk)} onClick={() => go({ kiosk: undefined })}><Icon name="close" size={14} /></ActionIcon>}
    </>
  );
  return (
    <Page title={title} actions={kiosk ? (!shared && sheet === undefined && <ActionIcon variant="subtle" color="gray" aria-label={t(m.leaveKiosk)} onClick={() => go({ kiosk: undefined })}><Icon name="close" size={14} /></ActionIcon>) : actions}
      sentence={kiosk ? undefined : <span className="muted">{shown.description ? `${shown.description} · ` : ''}{kept.meta.provisioned ? t(m.sentenceFile, { panels: count, file: kept.meta.source ?? '' }) : t(m.sentence, { panels: count })}{dirty ? ` · ${t(m.changed)}` : ''}</span>}>
      {restored && dirty && <Notice tone="info">{t(m.restored)}{draft.etag !== kept.etag ? ` ${t(m.newer)}` : ''}</Notice>}
      {!small && <Notice tone="warning">{t(m.tooLarge)}</Notice>}
      {draft?.lost && <Notice tone="warning">{draft.lost.map((x) => x[l]).join(' ')} {t(m.asClassic)}</Notice>}
      {problem !== undefined && <Notice tone="critical">{said(errorText(problem))}</Notice>}
      {editing && search.settings !== undefined
        ? <Suspense fallback={<Loading height={300} />}><Settings dashboard={draft?.dashboard ?? begin()} folder={draft?.folder ?? kept.meta.folder} onChange={change} /></Suspense>
        : <View dashboard={shown} uid={uid} arranging={editing} editing={editing ? edits : undefined} sheet={sheet} turned={turned} />}
      {dialog === 'save' && draft && <Suspense><SaveDialog uid={uid} kept={kept} draft={draft} close={() => setDialog(undefined)} saved={after} reload={(d) => { setDraft(d); setDialog(undefined); void client.invalidateQueries({ queryKey: ['dashboard', uid] }); }} /></Suspense>}
      {dialog === 'remove' && <Suspense><Confirm title={t(m.remove)} verb={t(m.remove)} act={remove} close={() => setDialog(undefined)}>{t(m.sure, { title })}</Confirm></Suspense>}
      {going.status === 'blocked' && <Suspense><Confirm kept title={t(m.changed)} verb={t(m.go)} act={async () => going.proceed()} close={going.reset}>{t(m.leave)}</Confirm></Suspense>}
      {dialog === 'share' && <Suspense><ShareDialog uid={uid} close={() => setDialog(undefined)} /></Suspense>}
    </Page>
  );
}
