import { Button, Modal, Select, Stack, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { type ReactNode, useState } from 'react';

import { ApiError } from '../../api/client';
import { importDashboard, listDashboards } from '../../api/dashboards';
import { editDashboard } from '../../api/explore';
import { useMe } from '../../api/me';
import { useT } from '../../i18n';
import { CopyButton } from '../../ui/CopyButton';
import { Failed, Notice } from '../../ui/parts';
import { newDashboard } from '../dashboards/draft';
import { append, appended, NoPlace, panelOf } from './panel';

const m = {
  title: { en: 'Add to dashboard', zh: '添加到仪表盘' },
  name: { en: 'Title of the panel', zh: '面板标题' },
  dashboard: { en: 'Dashboard', zh: '仪表盘' },
  fresh: { en: 'A new dashboard', zh: '新建仪表盘' },
  provisioned: { en: 'Those from files are not listed: they are changed in their files.', zh: '来自文件的仪表盘未列出：需在文件中修改。' },
  more: { en: 'Of more dashboards than can be listed, the first {n} are.', zh: '仪表盘过多，仅列出前 {n} 个。' },
  missing: { en: 'This server keeps no dashboards. Copy the panel and paste it where they are.', zh: '此服务器不保存仪表盘。请复制面板并粘贴到目标位置。' },
  may: { en: 'Changing a dashboard takes the right to change; sign in, or copy the panel.', zh: '修改仪表盘需要修改权限；请登录，或复制面板。' },
  add: { en: 'Add', zh: '添加' },
  added: { en: 'Added.', zh: '已添加。' },
  open: { en: 'Open the dashboard', zh: '打开仪表盘' },
  faster: { en: 'Somebody changed the dashboard at the same moment. Nothing is lost: add it again.', zh: '有人同时修改了该仪表盘。内容未丢失，请再次添加。' },
  copy: { en: 'Copy the panel as JSON', zh: '复制面板 JSON' },
};

export function AddPanel({ queries, datasource, onClose }: { queries: { ref: string; expr: string; legend: string }[]; datasource?: string; onClose: () => void }): ReactNode {
  const t = useT();
  const { may } = useMe();
  const [title, setTitle] = useState(queries[0]?.expr.slice(0, 80) ?? '');
  // Empty for one that is made for it.
  const [uid, setUid] = useState('');
  const [at, setAt] = useState('');
  const [state, setState] = useState<'' | 'busy' | 'done'>('');
  const [error, setError] = useState<unknown>();
  const list = useQuery({ queryKey: ['explore', 'dashboards'], queryFn: ({ signal }) => listDashboards({}, signal), retry: false });
  const missing = list.error instanceof ApiError && list.error.status === 404;
  const own = (list.data?.dashboards ?? []).filter((d) => !d.provisioned);
  const panel = panelOf(title, queries, datasource);
  const add = async (): Promise<void> => {
    setState('busy');
    setError(undefined);
    try {
      if (uid === '') setAt((await importDashboard({ dashboard: append(newDashboard(title), panel) })).uid);
      else {
        await editDashboard(uid, `Add panel ${title}`, (d) => appended(d, panel));
        setAt(uid);
      }
      setState('done');
    } catch (e) {
      setError(e);
      setState('');
    }
  };
  return (
    <Modal opened onClose={onClose} title={t(m.title)}>
      <Stack gap="sm">
        <TextInput label={t(m.name)} value={title} onChange={(e) => setTitle(e.currentTarget.value)} data-autofocus />
        {missing ? <Notice tone="info">{t(m.missing)}</Notice> : list.error ? <Failed error={list.error} retry={() => void list.refetch()} /> : !may('change') ? <Notice tone="info">{t(m.may)}</Notice> : (
          <Select label={t(m.dashboard)} description={list.data?.more ? t(m.more, { n: list.data.dashboards.length }) : own.length < (list.data?.dashboards.length ?? 0) ? t(m.provisioned) : undefined} searchable allowDeselect={false} limit={200}
            value={uid} onChange={(v) => setUid(v ?? '')} data={[{ value: '', label: t(m.fresh) }, ...own.map((d) => ({ value: d.uid, label: d.folder ? `${d.folder} / ${d.title}` : d.title }))]} />
        )}
        {error !== undefined && (error instanceof ApiError && error.conflict && error.status === 412 ? <Notice tone="warning">{t(m.faster)}</Notice> : error instanceof NoPlace ? <Notice tone="warning">{t(error.text)}</Notice> : <Failed error={error} />)}
        {state === 'done' ? <Notice tone="info">{t(m.added)} <Link to={`/d/${encodeURIComponent(at)}` as never}>{t(m.open)}</Link></Notice> : (
          <div style={{ display: 'flex', gap: 8 }}>
            {!missing && may('change') && <Button onClick={() => void add()} loading={state === 'busy'} disabled={!list.data || title.trim() === ''}>{t(m.add)}</Button>}
            <CopyButton label={t(m.copy)} text={() => JSON.stringify({ id: 1, ...panel, gridPos: { x: 0, y: 0, w: 12, h: 8 } }, null, 2)} />
          </div>
        )}
      </Stack>
    </Modal>
  );
}
