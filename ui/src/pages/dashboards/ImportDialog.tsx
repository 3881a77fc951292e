import './dash.css';

import { Button, Group, Modal, Select, Stack, Textarea, TextInput } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { type ReactNode, useRef, useState } from 'react';

import { ApiError } from '../../api/client';
import { dataSources, importDashboard, type Saved } from '../../api/dashboards';
import { keepTime } from '../../app/Frame';
import { useT } from '../../i18n';
import { useSaid } from '../../i18n/useSaid';
import { errorText, Notice, StateMark } from '../../ui/parts';
import { type Input, largest, mostFiles, parse, type Parsed, withoutUID } from './importing';

const m = {
  title: { en: 'Import dashboards', zh: '导入仪表盘' },
  drop: { en: 'Drop Grafana JSON files here', zh: '将 Grafana JSON 文件拖放到此处' },
  choose: { en: 'Choose files', zh: '选择文件' },
  paste: { en: 'Or paste JSON', zh: '或粘贴 JSON' },
  folder: { en: 'Folder', zh: '文件夹' },
  source: { en: 'Data source for {name}', zh: '{name} 的数据源' },
  import: { en: 'Import {n}', zh: '导入 {n} 个' },
  pasted: { en: 'pasted', zh: '粘贴的内容' },
  overwrite: { en: 'Overwrite', zh: '覆盖' },
  newUID: { en: 'Import beside it', zh: '另存一份' },
  done: { en: 'imported', zh: '已导入' },
  waiting: { en: 'ready', zh: '待导入' },
  large: { en: 'larger than 10 MB', zh: '超过 10 MB' },
  empty: { en: 'empty', zh: '内容为空' },
  object: { en: 'not a JSON object, so no dashboard', zh: '不是 JSON 对象，不是仪表盘' },
  syntax: { en: 'broken JSON in line {line}, column {column}: {detail}', zh: 'JSON 格式错误，第 {line} 行第 {column} 列：{detail}' },
  taken: { en: 'The dashboard "{title}" has the same uid.', zh: '仪表盘“{title}”使用相同的 uid。' },
  many: { en: 'The first {n} files are taken. For more: touchline dashboards import PATH', zh: '仅处理前 {n} 个文件。更多文件请使用：touchline dashboards import PATH' },
  clear: { en: 'Clear', zh: '清空' },
};

interface Item {
  key: number;
  name: string;
  parsed: Parsed;
  state: 'waiting' | 'busy' | 'done' | 'failed';
  saved?: Saved;
  error?: unknown;
}

let nextKey = 1;

/** ImportDialog takes Grafana's JSON from files, by drop or by paste, several at once. */
export function ImportDialog({ close }: { close: () => void }): ReactNode {
  const t = useT();
  const client = useQueryClient();
  const sources = useQuery({ queryKey: ['datasources'], queryFn: ({ signal }) => dataSources(signal), staleTime: 60_000 });
  const [items, setItems] = useState<Item[]>([]);
  const [pasted, setPasted] = useState('');
  const [folder, setFolder] = useState('');
  const [inputs, setInputs] = useState<Record<string, string>>({});
  const [over, setOver] = useState(false);
  const [many, setMany] = useState(false);
  const [busy, setBusy] = useState(false);
  const picker = useRef<HTMLInputElement>(null);

  const take = async (files: File[]): Promise<void> => {
    setMany(files.length > mostFiles);
    const read = await Promise.all(files.slice(0, mostFiles).map(async (f): Promise<Item> => ({
      key: nextKey++, name: f.name, parsed: f.size > largest ? { error: 'large' } : parse(await f.text()), state: 'waiting',
    })));
    setItems((old) => [...old, ...read]);
  };
  const all: Item[] = pasted.trim() === '' ? items : [...items, { key: 0, name: t(m.pasted), parsed: parse(pasted), state: 'waiting' }];
  const good = all.filter((i) => !('error' in i.parsed) && i.state !== 'done');
  const wanted = [...new Map(good.flatMap((i) => ('inputs' in i.parsed ? i.parsed.inputs : [])).map((i): [string, Input] => [i.name, i])).values()];
  const prometheus = (sources.data ?? []).filter((s) => s.type === 'prometheus');
  const chosen = (i: Input): string | undefined => inputs[i.name] ?? (i.plugin === 'prometheus' || i.plugin === '' ? (prometheus.find((s) => s.default) ?? prometheus[0])?.uid : undefined);

  const put = (key: number, by: Partial<Item>): void => setItems((old) => old.map((i) => (i.key === key ? { ...i, ...by } : i)));
  const send = async (item: Item, how?: 'overwrite' | 'new'): Promise<void> => {
    if ('error' in item.parsed) return;
    put(item.key, { state: 'busy', error: undefined });
    const its = Object.fromEntries(item.parsed.inputs.flatMap((i) => { const uid = chosen(i); return uid ? [[i.name, uid]] : []; }));
    try {
      const saved = await importDashboard({
        dashboard: how === 'new' ? withoutUID(item.parsed.json) : item.parsed.json, folder: folder.trim() || undefined, overwrite: how === 'overwrite' || undefined,
        inputs: Object.keys(its).length > 0 ? its : undefined,
      });
      put(item.key, { state: 'done', saved });
    } catch (error) {
      put(item.key, { state: 'failed', error });
    }
  };
  const run = async (): Promise<void> => {
    setBusy(true);
    const list = good.map((i) => (i.key === 0 ? { ...i, key: nextKey++ } : i));
    if (pasted.trim() !== '' && !('error' in parse(pasted))) {
      setItems((old) => [...old, ...list.filter((i) => !old.some((o) => o.key === i.key))]);
      setPasted('');
    }
    // One after the other: a folder of dashboards must not keep others from saving.
    for (const item of list) await send(item);
    setBusy(false);
    void client.invalidateQueries({ queryKey: ['dashboards'] });
    void client.invalidateQueries({ queryKey: ['dashboard'] });
  };
  const once = (item: Item, how: 'overwrite' | 'new'): void => void send(item, how).then(() => Promise.all([client.invalidateQueries({ queryKey: ['dashboards'] }), client.invalidateQueries({ queryKey: ['dashboard'] })]));

  return (
    <Modal opened onClose={close} size="lg" title={t(m.title)}>
      <Stack gap="sm">
        <div className="dash-drop" data-over={over}
          onDragOver={(e) => { e.preventDefault(); setOver(true); }} onDragLeave={() => setOver(false)}
          onDrop={(e) => { e.preventDefault(); setOver(false); void take([...e.dataTransfer.files]); }}>
          <p style={{ marginTop: 0 }}>{t(m.drop)}</p>
          <Button variant="default" onClick={() => picker.current?.click()}>{t(m.choose)}</Button>
          <input ref={picker} type="file" accept=".json,application/json" multiple hidden aria-label={t(m.choose)} onChange={(e) => { void take([...(e.currentTarget.files ?? [])]); e.currentTarget.value = ''; }} />
        </div>
        {many && <Notice tone="warning">{t(m.many, { n: mostFiles })}</Notice>}
        <Textarea label={t(m.paste)} value={pasted} onChange={(e) => setPasted(e.currentTarget.value)} minRows={3} maxRows={8} autosize spellCheck={false} styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }} />
        <TextInput label={t(m.folder)} value={folder} onChange={(e) => setFolder(e.currentTarget.value)} maxLength={200} />
        {wanted.map((i) => (
          <Select key={i.name} label={t(m.source, { name: i.label })} data={(sources.data ?? []).map((s) => ({ value: s.uid, label: s.name }))} value={chosen(i) ?? null} onChange={(v) => setInputs({ ...inputs, [i.name]: v ?? '' })} />
        ))}
        {all.length > 0 && (
          <table className="table">
            <tbody>
              {all.map((i) => <Line key={i.key} item={i} again={once} />)}
            </tbody>
          </table>
        )}
        <Group>
          <Button onClick={() => void run()} disabled={good.length === 0} loading={busy}>{t(m.import, { n: good.length })}</Button>
          {items.length > 0 && !busy && <Button variant="default" onClick={() => setItems([])}>{t(m.clear)}</Button>}
        </Group>
      </Stack>
    </Modal>
  );
}

function Line({ item, again }: { item: Item; again: (item: Item, how: 'overwrite' | 'new') => void }): ReactNode {
  const t = useT();
  const said = useSaid();
  const { parsed, state, saved, error } = item;
  // The server tells those who send JSON how to go on; here there are buttons for it.
  const taken = error instanceof ApiError && error.status === 409 ? /^the uid ".*" is that of the dashboard "(.*?)"(?:,| )/.exec(errorText(error))?.[1] : undefined;
  const broken = 'error' in parsed ? t(m[parsed.error], parsed.error === 'syntax' ? parsed : undefined) : undefined;
  return (
    <tr>
      <td style={{ overflowWrap: 'anywhere' }}>
        {saved ? <Link to={`/d/${encodeURIComponent(saved.uid)}` as never} search={keepTime as never}>{'title' in parsed ? parsed.title || item.name : item.name}</Link> : item.name}
        {'title' in parsed && !saved && parsed.title && <div className="muted">{parsed.title}</div>}
      </td>
      <td>
        {broken ? <span style={{ color: 'var(--critical)', overflowWrap: 'anywhere' }}>{broken.slice(0, 300)}</span> :
          state === 'done' ? <StateMark tone="good">{t(m.done)}</StateMark> :
          state === 'failed' ? <span style={{ color: 'var(--critical)', overflowWrap: 'anywhere' }}>{taken === undefined ? said(errorText(error)) : t(m.taken, { title: taken })}{error instanceof ApiError && error.fields.map((f) => <div key={f.location + f.message}><code>{f.location}</code> {said(f.message)}</div>)}</span> :
          <StateMark tone="quiet">{t(m.waiting)}</StateMark>}
        {saved && saved.warnings.length > 0 && <ul style={{ margin: '4px 0 0', paddingLeft: 16 }}>{saved.warnings.slice(0, 20).map((w) => <li key={w} className="muted">{w}</li>)}</ul>}
        {state === 'failed' && error instanceof ApiError && error.status === 409 && (
          <Group gap="xs" mt={4}>
            <Button size="compact-xs" variant="default" onClick={() => again(item, 'overwrite')}>{t(m.overwrite)}</Button>
            <Button size="compact-xs" variant="default" onClick={() => again(item, 'new')}>{t(m.newUID)}</Button>
          </Group>
        )}
      </td>
    </tr>
  );
}
