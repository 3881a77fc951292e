import './dash.css';

import { Button } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { type ReactNode, useState } from 'react';

import { readVersion, restore, versions } from '../../api/dashboards';
import { useMe } from '../../api/me';
import { keepTime } from '../../app/Frame';
import { useT } from '../../i18n';
import { useSaid } from '../../i18n/useSaid';
import { stock, titleOf } from '../../stock';
import { Confirm } from '../../ui/Confirm';
import { Ago, Card, Empty, Failed, Loading, Page } from '../../ui/parts';
import { Differences } from './Differences';
import { readKept } from './kept';

const m = {
  title: { en: 'Versions of {title}', zh: '{title} 的版本' },
  sentence: { en: '{n} versions are kept; the newest is {version}', zh: '保留了 {n} 个版本，最新为 {version}' },
  none: { en: 'No versions are kept', zh: '没有保留的版本' },
  noneWhy: { en: 'A dashboard of a file has its versions where the file is kept.', zh: '来自文件的仪表盘由文件所在处管理版本。' },
  version: { en: 'Version', zh: '版本' },
  when: { en: 'Saved', zh: '保存时间' },
  who: { en: 'By', zh: '保存者' },
  message: { en: 'What has changed', zh: '变更说明' },
  compare: { en: 'Compare with the newest', zh: '与最新版本比较' },
  restore: { en: 'Restore', zh: '恢复' },
  sure: { en: 'Make version {n} the newest one?', zh: '将版本 {n} 恢复为最新版本？' },
  diff: { en: 'From version {a} to version {b}', zh: '从版本 {a} 到版本 {b}' },
  back: { en: 'Back to the dashboard', zh: '返回仪表盘' },
};

/** Versions lists what was saved, compares and restores. */
export function Versions(): ReactNode {
  const t = useT();
  const said = useSaid();
  const { uid } = useParams({ strict: false }) as { uid: string };
  const search = useSearch({ strict: false }) as { compare?: string };
  const navigate = useNavigate();
  const client = useQueryClient();
  const { may } = useMe();
  const [asked, setAsked] = useState<number>();
  const words = stock.use();
  const now = useQuery({ queryKey: ['dashboard', uid], queryFn: ({ signal }) => readKept(uid, signal) });
  const list = useQuery({ queryKey: ['dashboard', uid, 'versions'], queryFn: ({ signal }) => versions(uid, signal) });
  const compare = /^\d{1,15}$/.test(search.compare ?? '') ? Number(search.compare) : undefined;
  const old = useQuery({ queryKey: ['dashboard', uid, 'version', compare], queryFn: ({ signal }) => readVersion(uid, compare!, signal), enabled: compare !== undefined, placeholderData: undefined });
  const newest = now.data?.meta.version;
  const back = async (n: number): Promise<void> => {
    await restore(uid, now.data!.etag, n);
    await Promise.all([client.invalidateQueries({ queryKey: ['dashboard', uid] }), client.invalidateQueries({ queryKey: ['dashboards'] })]);
  };
  return (
    <Page title={t(m.title, { title: now.data ? titleOf(now.data.meta, words) : uid })} sentence={list.data && newest !== undefined ? t(m.sentence, { n: list.data.length, version: newest }) : undefined}
      actions={<Link to={`/d/${encodeURIComponent(uid)}` as never} search={keepTime as never}>{t(m.back)}</Link>}>
      {now.error && <Failed error={now.error} retry={() => void now.refetch()} />}
      {list.error ? <Failed error={list.error} retry={() => void list.refetch()} /> : !list.data ? <Loading height={200} /> : list.data.length === 0 ? <Empty title={t(m.none)}>{t(m.noneWhy)}</Empty> : (
        <Card flush>
          <div className="table-scroll">
            <table className="table as-cards">
              <thead><tr><th>{t(m.version)}</th><th>{t(m.when)}</th><th>{t(m.who)}</th><th>{t(m.message)}</th><th /></tr></thead>
              <tbody>
                {list.data.map((v) => (
                  <tr key={v.version} aria-selected={v.version === compare}>
                    <td data-name={t(m.version)}>{v.version}</td>
                    <td data-name={t(m.when)}><Ago at={v.updated} /></td>
                    <td data-name={t(m.who)}>{v.updated_by}</td>
                    <td data-name={t(m.message)} style={{ overflowWrap: 'anywhere' }}>{said(v.message)}</td>
                    <td className="num">
                      {v.version !== newest && (
                        <span style={{ display: 'inline-flex', gap: 6 }}>
                          <Button size="compact-xs" variant="default" onClick={() => void navigate({ to: '.', search: (o: Record<string, unknown>) => ({ ...o, compare: v.version }) } as never)}>{t(m.compare)}</Button>
                          {may('change') && !now.data?.meta.provisioned && <Button size="compact-xs" variant="default" onClick={() => setAsked(v.version)}>{t(m.restore)}</Button>}
                        </span>
                      )}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </Card>
      )}
      {compare !== undefined && (
        <div style={{ marginTop: 12 }}>
          <Card title={t(m.diff, { a: compare, b: newest ?? '' })}>
            {old.error ? <Failed error={old.error} retry={() => void old.refetch()} /> : !old.data || !now.data ? <Loading /> : <Differences before={old.data} after={now.data.dashboard} />}
          </Card>
        </div>
      )}
      {asked !== undefined && now.data && <Confirm kept title={t(m.restore)} verb={t(m.restore)} act={() => back(asked)} close={() => setAsked(undefined)}>{t(m.sure, { n: asked })}</Confirm>}
    </Page>
  );
}
