import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { type ReactNode, useCallback, useEffect, useMemo, useState } from 'react';

import { keepTime } from '../../app/Frame';
import { useT } from '../../i18n';
import { normalize } from '../../model';
import { stock } from '../../stock';
import { duration } from '../../time/range';
import { Empty, Failed, Loading } from '../../ui/parts';
import { readKept } from './kept';
import { View } from './View';

const m = {
  none: { en: 'This playlist is empty', zh: '播放列表为空' },
  bar: { en: 'Playlist', zh: '轮播' },
  previous: { en: 'Previous', zh: '上一个' },
  pause: { en: 'Pause', zh: '暂停' },
  play: { en: 'Go on', zh: '继续' },
  next: { en: 'Next', zh: '下一个' },
  leave: { en: 'Exit', zh: '退出' },
  how: { en: 'Name dashboards in the address:', zh: '请在地址中指定仪表盘：' },
};

/** The shortest time that a dashboard stays, in milliseconds. */
const least = 5000;

/** How long the bar stays after the pointer has moved, in milliseconds. */
const linger = 3000;

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
  const [paused, setPaused] = useState(false);
  const leave = useCallback(() => void navigate({ to: '/dashboards', search: keepTime } as never), [navigate]);
  useEffect(() => {
    if (search.kiosk === undefined) void navigate({ to: '.', replace: true, search: (old: Record<string, unknown>) => ({ ...old, kiosk: '' }) } as never);
  }, [search.kiosk, navigate]);
  useEffect(() => {
    if (uids.length < 2 || paused) return;
    const timer = setTimeout(() => setN(n + 1), every);
    return () => clearTimeout(timer);
  }, [uids.length, every, paused, n]);
  // Before the dashboard sees it, which would leave kiosk mode only. What fills the page is left first.
  const fills = search.viewPanel !== undefined;
  useEffect(() => {
    const onKey = (e: KeyboardEvent): void => {
      if (e.key !== 'Escape' || fills || document.querySelector('[role=dialog], [role=menu], [role=listbox]')) return;
      e.preventDefault();
      leave();
    };
    window.addEventListener('keydown', onKey, true);
    return () => window.removeEventListener('keydown', onKey, true);
  }, [leave, fills]);
  if (uids.length === 0) return <Empty title={t(m.none)}>{t(m.how)} <code>{window.location.origin}{window.location.pathname}?d=UID&amp;d=UID&amp;every=30s</code></Empty>;
  const uid = uids[n % uids.length]!;
  return (
    <>
      <One key={uid} uid={uid} />
      <Bar>
        {uids.length > 1 && <Button variant="default" onClick={() => setN((n + uids.length - 1) % uids.length)}>{t(m.previous)}</Button>}
        {uids.length > 1 && <Button variant="default" aria-pressed={paused} onClick={() => setPaused(!paused)}>{t(paused ? m.play : m.pause)}</Button>}
        {uids.length > 1 && <Button variant="default" onClick={() => setN(n + 1)}>{t(m.next)}</Button>}
        <span className="muted">{n % uids.length + 1} / {uids.length}</span>
        <Button variant="default" onClick={leave}>{t(m.leave)}</Button>
      </Bar>
    </>
  );
}

/** Bar is out of the way until the pointer moves or the keyboard gets to it. */
function Bar({ children }: { children: ReactNode }): ReactNode {
  const t = useT();
  const [awake, setAwake] = useState(false);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const wake = (): void => {
      setAwake(true);
      clearTimeout(timer);
      timer = setTimeout(() => setAwake(false), linger);
    };
    for (const kind of ['pointermove', 'pointerdown'] as const) window.addEventListener(kind, wake);
    return () => {
      clearTimeout(timer);
      for (const kind of ['pointermove', 'pointerdown'] as const) window.removeEventListener(kind, wake);
    };
  }, []);
  return <div className="dash-play" role="toolbar" aria-label={t(m.bar)} data-awake={awake || undefined}>{children}</div>;
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
