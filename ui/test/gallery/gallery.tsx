import '@mantine/core/styles.layer.css';
import 'uplot/dist/uPlot.min.css';
import '../../src/app/style.css';

import { MantineProvider } from '@mantine/core';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { useEffect, useMemo, useState } from 'react';
import { createRoot } from 'react-dom/client';

import type { Mode } from '../../src/grafana/theme';
import { theme } from '../../src/app/theme';
import { PanelView } from '../../src/panels/PanelView';
import { pngOf } from '../../src/panels/export/png';
import { followers } from '../../src/panels/plot/crosshair';
import { plotsAlive } from '../../src/panels/plot/Plot';
import { now, processed, range } from './frames';
import { samples } from './panels';

const query = new URLSearchParams(location.search);
const mode = (query.get('mode') === 'light' ? 'light' : 'dark') as Mode;
const only = query.get('only')?.split(',');
const zoom = (): void => {};
const marks = [{ id: 'd', time: now - 12e5, title: 'deploy v1.4.2', tags: ['deploy'] }, { id: 'i', time: now - 24e5, timeEnd: now - 21e5, title: 'incident 482', color: '#f0524f' }];

function Gallery() {
  const [tick, setTick] = useState(0);
  const [shown, setShown] = useState(true);
  useEffect(() => { Object.assign(window, { gallery: { refresh: () => setTick((t) => t + 1), show: setShown, plotsAlive, followers, pngOf } }); }, []);
  const list = useMemo(() => samples.filter((s) => !only || only.includes(s.panel.type)).filter((s) => query.has('many') || !only ? true : s.frames.length < 1000), []);
  if (!shown) return null;
  return <div style={{ display: 'flex', flexWrap: 'wrap', gap: 8, padding: 8 }}>{list.map((s) => <One key={s.panel.id} s={s} tick={tick} />)}</div>;
}

function One({ s, tick }: { s: (typeof samples)[number]; tick: number }) {
  const frames = useMemo(() => processed(tick === 0 ? s.frames : s.frames.map((f) => ({ ...f, fields: f.fields.map((x) => ({ ...x, state: undefined, values: [...x.values] })) })), s.panel.fieldConfig!, mode), [s, tick]);
  return <PanelView panel={{ ...s.panel, description: s.panel.id === 1 ? 'How busy each host is.' : undefined }} frames={frames} state="done" range={range} zone="utc" mode={mode} width={s.w ?? 410} height={s.h ?? 240} onZoom={zoom} sync="g" annotations={s.panel.id === 1 ? marks : undefined} />;
}

createRoot(document.getElementById('root')!).render(
  <MantineProvider theme={theme} forceColorScheme={mode}><QueryClientProvider client={new QueryClient()}><Gallery /></QueryClientProvider></MantineProvider>,
);
