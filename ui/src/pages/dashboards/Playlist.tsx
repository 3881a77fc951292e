import { useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { type ReactNode, useEffect, useMemo, useState } from 'react';

import { useT } from '../../i18n';
import { normalize } from '../../model';
import { stock } from '../../stock';
import { duration } from '../../time/range';
import { Empty, Failed, Loading } from '../../ui/parts';
import { readKept } from './kept';
import { View } from './View';

const m = {
  none: { en: 'This playlist is empty', zh: '播放列表为空' },
  how: { en: 'Name dashboards in the address:', zh: '请在地址中指定仪表盘：' },
};

/** The shortest time that a dashboard stays, in milliseconds. */
const least = 5000;

/** playlistOf reads the dashboards of an address, and how long each stays, in milliseconds. */
export function playlistOf(search: Record<string, unknown>): { uids: string[]; every: number } {
  const uids = [search.d].flat().filter((d): d is string => typeof d === 'string' && d !== '').slice(0, 200);
  return { uids, every: Math.max(least, duration(typeof search.every === 'string' ? search.every : '') ?? 30_000) };
}

/** Playlist shows one dashboard after the other, without the frame. */
export function Playlist(): ReactNode {
  const t = useT();
  const navigate = useNavigate();
  const search = useSearch({ strict: false }) as Record<string, unknown>;
  const key = JSON.stringify([search.d, search.every]);
  const { uids, every } = useMemo(() => playlistOf(search), [key]);
  const [n, setN] = useState(0);
  useEffect(() => {
    if (search.kiosk === undefined) void navigate({ to: '.', replace: true, search: (old: Record<string, unknown>) => ({ ...old, kiosk: '' }) } as never);
  }, [search.kiosk, navigate]);
  useEffect(() => {
    if (uids.length < 2) return;
    const timer = setInterval(() => setN((old) => old + 1), every);
    return () => clearInterval(timer);
  }, [uids.length, every]);
  if (uids.length === 0) return <Empty title={t(m.none)}>{t(m.how)} <code>{window.location.origin}{window.location.pathname}?d=UID&amp;d=UID&amp;every=30s</code></Empty>;
  const uid = uids[n % uids.length]!;
  return <One key={uid} uid={uid} />;
}

function One({ uid }: { uid: string }): ReactNode {
  const kept = useQuery({ queryKey: ['dashboard', uid], queryFn: ({ signal }) => readKept(uid, signal), staleTime: 60_000, placeholderData: undefined });
  const words = stock.use();
  const model = useMemo(() => {
    if (!kept.data) return undefined;
    const read = normalize(kept.data.dashboard);
    return words && kept.data.meta.shipped ? words.localize(read) : read;
  }, [kept.data, words]);
  if (kept.error && !kept.data) return <Failed error={kept.error} retry={() => void kept.refetch()} />;
  if (!model) return <Loading height={400} />;
  return (
    <>
      <h1 style={{ fontSize: 20, marginBottom: 12 }}>{model.title}</h1>
      <View dashboard={model} uid={uid} arranging={false} />
    </>
  );
}
