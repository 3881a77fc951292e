import { Autocomplete, Button, Checkbox, Group, Modal, Stack, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useMemo, useState } from 'react';

import { ApiError } from '../../api/client';
import { type DashboardJSON, importDashboard, type Kept, listDashboards, makePatch, readDashboard, type Saved, saveDashboard } from '../../api/dashboards';
import { useLanguage, useT } from '../../i18n';
import { useSaid } from '../../i18n/useSaid';
import { isV2 } from '../../model';
import { download } from '../../ui/files';
import { Ago, errorText, Failed, Loading, Notice, signInURL } from '../../ui/parts';
import type { Draft } from './draft';
import { Differences } from './Differences';
import { classicJSON } from './editable';
import { fileName } from './files';
import { formOf } from './forms';
import { withoutUID } from './importing';

const m = {
  save: { en: 'Save', zh: '保存' },
  patch: { en: 'Patch for {file}', zh: '{file} 的补丁' },
  patchHelp: { en: 'This dashboard comes from a file, so it is changed there. Apply one of these, and the server reads it anew by itself.', zh: '此仪表盘来自文件，需在文件中修改。应用以下任一补丁后，服务器会自动重新读取。' },
  applyIn: { en: 'On the server, git apply in the folder {folder} takes the diff.', zh: '在服务器的 {folder} 目录中用 git apply 应用该 diff。' },
  diff: { en: 'Download the diff', zh: '下载 diff' },
  jsonPatch: { en: 'Download the JSON patch', zh: '下载 JSON 补丁' },
  classic: { en: 'This dashboard is in schema v2. Saving writes it in the classic one; the version history keeps it as it was.', zh: '此仪表盘采用 v2 架构。保存时将改写为经典架构；版本历史会保留原样。' },
  classicPatch: { en: 'The file is in schema v2, and the patch writes it in the classic one.', zh: '该文件采用 v2 架构，补丁会将其改写为经典架构。' },
  asClassic: { en: 'Save it as a classic dashboard, with rows in place of tabs', zh: '另存为经典仪表盘，标签页变为行' },
  asClassicPatch: { en: 'Make it a classic dashboard, with rows in place of tabs', zh: '改写为经典仪表盘，标签页变为行' },
  lost: { en: 'Not in it, because schema v2 cannot say it: {what}', zh: '以下内容因 v2 架构无法表达而未包含：{what}' },
  original: { en: 'Download it as it is', zh: '下载原始文件' },
  notSaved: { en: 'It is not saved: {why}', zh: '未保存：{why}' },
  title: { en: 'Title', zh: '标题' },
  folder: { en: 'Folder, may be a new one', zh: '文件夹（可新建）' },
  message: { en: 'What has changed', zh: '变更说明' },
  conflict: { en: 'Somebody was faster: {who} saved version {version}', zh: '{who} 已先保存了版本 {version}' },
  theirs: { en: 'Take their version, drop mine', zh: '采用对方版本，放弃我的修改' },
  overwrite: { en: 'Overwrite theirs', zh: '覆盖对方版本' },
  asNew: { en: 'Save mine as a new dashboard', zh: '将我的修改另存为新仪表盘' },
  between: { en: 'Between their version and yours', zh: '对方版本与你的修改之间的差异' },
  kept: { en: 'Nothing that you changed is lost. Sign in again in a new tab, then save here.', zh: '修改不会丢失。请在新标签页中重新登录，然后在此保存。' },
  signIn: { en: 'Sign in', zh: '登录' },
  mine: { en: '{title} (mine)', zh: '{title}（我的）' },
  nobody: { en: 'somebody', zh: '其他人' },
  noChange: { en: 'Nothing in the file changes by this edit.', zh: '此修改不会改变文件内容。' },
};

interface Props {
  uid: string;
  kept: Kept;
  draft: Draft;
  close: () => void;
  saved: (s: Saved, dashboard: DashboardJSON) => void;
  /** Goes on with another draft, or with what the server has. */
  reload: (draft: Draft | undefined) => void;
}

/** SaveDialog saves an edit, or gives the patch of one whose dashboard comes from a file. */
export function SaveDialog(p: Props): ReactNode {
  const t = useT();
  const { kept, close } = p;
  return (
    <Modal opened onClose={close} size="xl" title={kept.meta.provisioned ? t(m.patch, { file: kept.meta.source ?? kept.meta.title }) : t(m.save)}>
      {kept.meta.provisioned ? <Patch {...p} /> : <Save {...p} />}
    </Modal>
  );
}

/** useForm is what is saved: the dashboard in its own form, or in the classic one where that is asked for. */
function useForm(draft: Draft, label: string): { dashboard: DashboardJSON; choice: ReactNode } {
  const t = useT();
  const l = useLanguage();
  const [classic, setClassic] = useState(false);
  const dashboard = useMemo(() => (classic ? classicJSON(draft.dashboard) : draft.dashboard), [classic, draft.dashboard]);
  const choice = isV2(draft.dashboard) && (
    <>
      {draft.lost && <Notice tone="warning">{t(m.lost, { what: draft.lost.map((x) => x[l]).join(' ') })}</Notice>}
      <Checkbox label={label} checked={classic} onChange={(e) => setClassic(e.currentTarget.checked)} />
    </>
  );
  return { dashboard, choice };
}

function Patch({ uid, kept, draft }: Props): ReactNode {
  const t = useT();
  const { dashboard, choice } = useForm(draft, t(m.asClassicPatch));
  const patch = useQuery({ queryKey: ['patch', uid, draft.at, isV2(dashboard)], queryFn: () => makePatch(uid, dashboard), retry: false, gcTime: 0 });
  const file = (): ReactNode => {
    if (patch.error) return <Failed error={patch.error} retry={() => void patch.refetch()} />;
    if (!patch.data) return <Loading height={200} />;
    const { diff, folder, patch: operations } = patch.data;
    if (operations.length === 0) return <p>{t(m.noChange)}</p>;
    return (
      <>
        <p style={{ margin: 0 }}>{t(m.patchHelp)}{folder && <> {t(m.applyIn, { folder })}</>}</p>
        {isV2(kept.dashboard) && !isV2(dashboard) && <Notice tone="warning">{t(m.classicPatch)}</Notice>}
        <Group gap="sm">
          <Button onClick={() => download(fileName(kept.meta.title, 'diff'), diff, 'text/x-diff')}>{t(m.diff)}</Button>
          <Button variant="default" onClick={() => download(fileName(kept.meta.title, 'patch.json'), JSON.stringify(operations, null, 2))}>{t(m.jsonPatch)}</Button>
        </Group>
        <pre className="dash-code">{diff.slice(0, 200_000)}</pre>
      </>
    );
  };
  return <Stack gap="sm">{choice}{file()}</Stack>;
}

function Save({ uid, kept, draft, saved, reload }: Props): ReactNode {
  const t = useT();
  const said = useSaid();
  const [message, setMessage] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const conflict = error instanceof ApiError && error.status === 412;
  const { dashboard, choice } = useForm(draft, t(m.asClassic));
  const run = (what: () => Promise<Saved>): void => {
    setBusy(true);
    setError(undefined);
    what().then((s) => saved(s, dashboard), setError).finally(() => setBusy(false));
  };
  const fresh = uid === '';
  const form = formOf(dashboard);
  const title = form.title(dashboard);
  const [name, setName] = useState(title);
  const [place, setPlace] = useState(draft.folder ?? kept.meta.folder);
  const folders = useQuery({ queryKey: ['dashboards', 'folders'], enabled: fresh, queryFn: async ({ signal }) => [...new Set((await listDashboards({}, signal)).dashboards.map((d) => d.folder).filter((f) => f !== ''))].sort() });
  const folder = fresh ? place.trim() : draft.folder ?? kept.meta.folder;
  const create = (title: string) => (): Promise<Saved> => {
    const { version: _version, ...rest } = withoutUID(form.named(dashboard, title));
    return importDashboard({ dashboard: rest, folder, message });
  };
  const put = (etag: string) => (): Promise<Saved> => saveDashboard(uid, etag, { dashboard, folder, message });
  if (conflict) return <Conflict {...{ uid, kept, busy }} after={dashboard} mine={() => run(create(t(m.mine, { title })))} over={(etag) => run(put(etag))} theirs={() => reload(undefined)} />;
  return (
    <form onSubmit={(e) => { e.preventDefault(); run(fresh ? create(name.trim()) : put(draft.etag)); }}>
      <Stack gap="sm">
        {choice}
        {isV2(kept.dashboard) && !isV2(dashboard) && (
          <Notice tone="warning">
            {t(m.classic)} <Button variant="default" size="compact-xs" onClick={() => download(fileName(kept.meta.title, 'v2.json'), JSON.stringify(kept.dashboard, null, 2))}>{t(m.original)}</Button>
          </Notice>
        )}
        {fresh && (
          <>
            <TextInput label={t(m.title)} value={name} onChange={(e) => setName(e.currentTarget.value)} maxLength={500} required data-autofocus />
            <Autocomplete label={t(m.folder)} data={folders.data ?? []} value={place} onChange={setPlace} maxLength={200} />
          </>
        )}
        {!fresh && <TextInput label={t(m.message)} value={message} onChange={(e) => setMessage(e.currentTarget.value)} maxLength={500} data-autofocus />}
        {error !== undefined && <Notice tone="critical">{t(m.notSaved, { why: said(errorText(error)) })}</Notice>}
        {error instanceof ApiError && error.unauthorized && (
          <Notice tone="info">{t(m.kept)} <a href={signInURL()} target="_blank" rel="noopener">{t(m.signIn)}</a></Notice>
        )}
        <Group><Button type="submit" loading={busy} disabled={fresh && name.trim() === ''}>{t(m.save)}</Button></Group>
        {!fresh && <Differences before={kept.dashboard} after={dashboard} />}
      </Stack>
    </form>
  );
}

function Conflict({ uid, kept, after, busy, mine, over, theirs }: { uid: string; kept: Kept; after: DashboardJSON; busy: boolean; mine: () => void; over: (etag: string) => void; theirs: () => void }): ReactNode {
  const t = useT();
  const now = useQuery({ queryKey: ['dashboard', uid, 'conflict'], queryFn: ({ signal }) => readDashboard(uid, signal), gcTime: 0, staleTime: 0 });
  if (now.error) return <Failed error={now.error} retry={() => void now.refetch()} />;
  if (!now.data) return <Loading height={160} />;
  const { meta, etag, dashboard } = now.data;
  return (
    <Stack gap="sm">
      <Notice tone="warning">{t(m.conflict, { who: meta.updated_by || t(m.nobody), version: meta.version })} (<Ago at={meta.updated || kept.meta.updated} />)</Notice>
      <Group gap="sm">
        <Button variant="default" onClick={theirs} loading={busy}>{t(m.theirs)}</Button>
        <Button variant="default" onClick={mine} loading={busy}>{t(m.asNew)}</Button>
        <Button color="red" onClick={() => over(etag)} loading={busy}>{t(m.overwrite)}</Button>
      </Group>
      <h3>{t(m.between)}</h3>
      <Differences before={dashboard} after={after} />
    </Stack>
  );
}
