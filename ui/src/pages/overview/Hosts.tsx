import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';

import { queryRange, type QueryAnswer } from '../../api/prometheus';
import { seriesColors } from '../../app/theme';
import { useT } from '../../i18n';
import { stepFor } from '../../time/range';
import { useTime } from '../../time/state';
import { Chart } from '../../ui/Chart';
import { below } from '../../ui/address';
import { figure } from '../../ui/format';
import { Card, Empty, Failed, Loading } from '../../ui/parts';
import { exploreLink } from '../explore/address';
import { byFigure, hostFigures, oneQuery } from './figures';

const m = {
  hosts: { en: 'Hosts', zh: '主机' },
  none: { en: 'No host is watched', zh: '尚未监控任何主机' },
  hint: { en: 'This host is watched by itself where sources are enabled; others by node_exporter.', zh: '启用内置数据源后会自动监控本机；其他主机请使用 node_exporter。' },
  cpu: { en: 'CPU', zh: 'CPU' },
  memory: { en: 'Memory', zh: '内存' },
  disk: { en: 'Fullest disk', zh: '最满磁盘' },
  network: { en: 'Network', zh: '网络' },
  full: { en: 'full in {n}', zh: '{n}后写满' },
};

const shown = [
  ['cpu', m.cpu, 'ratio'],
  ['memory', m.memory, 'ratio'],
  ['disk', m.disk, 'ratio'],
  ['network', m.network, 'bytes/s'],
] as const;

const most = 8;

/** Hosts shows what each host is busy with, now and over the range. */
export function Hosts({ now, pending, error, retry }: { now: QueryAnswer | undefined; pending: boolean; error: unknown; retry: () => void }): ReactNode {
  const t = useT();
  const time = useTime();
  const step = stepFor(time.range, 120, 5);
  const start = Math.floor(time.range.from / 1000 / step) * step;
  const history = useQuery({
    queryKey: ['overview', 'history', start, step],
    queryFn: ({ signal }) => queryRange({ query: oneQuery(hostFigures), start, end: Math.floor(time.range.to / 1000), step, signal }),
    refetchInterval: 5000,
  });
  const figures = byFigure(now, (l) => l.instance ?? '');
  const hosts = [...new Set([...figures.values()].flatMap((of) => [...of.keys()]))].filter((h) => figures.get('cpu')?.has(h)).sort();
  return (
    <Card title={t(m.hosts)} columns={12} flush>
      {error ? <Failed error={error} retry={retry} /> : null}
      {pending ? <Loading height={88} /> : hosts.length === 0 ? <Empty title={t(m.none)}>{t(m.hint)} <Link to={'/add' as never}>+</Link></Empty> : null}
      {hosts.slice(0, most).map((host) => (
        <div key={host} className="host">
          <div className="host-name ellipsis"><Link {...below(exploreLink(`{instance="${host}"}`))}>{host}</Link></div>
          {shown.map(([name, label, unit], i) => {
            const value = figures.get(name)?.get(host);
            const f = value === undefined ? undefined : figure(value, unit);
            const filled = name === 'disk' ? figures.get('fullIn')?.get(host) : undefined;
            const series = seriesOf(history.data, name, host);
            return (
              <div key={name} className="host-figure">
                <div className="muted">{t(label)}</div>
                <div className="host-value">{f ? <>{f.number}<span className="unit">{f.unit}</span></> : <span className="muted">–</span>}
                  {filled !== undefined && filled < 30 * 86400 && <span className="muted" style={{ fontSize: 11, marginLeft: 8 }}>{t(m.full, { n: join(figure(filled, 'seconds')) })}</span>}
                </div>
                <Chart bare height={28} label={`${host} ${t(label)}`} times={series.times} range={time.range} min={0} max={unit === 'ratio' ? 1 : undefined}
                  series={[{ name: t(label), color: seriesColors[i]!, values: series.values, fill: true }]} />
              </div>
            );
          })}
        </div>
      ))}
    </Card>
  );
}

const join = (f: { number: string; unit: string }): string => `${f.number} ${f.unit}`;

function seriesOf(answer: QueryAnswer | undefined, name: string, host: string): { times: number[]; values: (number | null)[] } {
  if (answer?.data.resultType !== 'matrix') return { times: [], values: [] };
  const s = answer.data.result.find((r) => r.metric.figure === name && r.metric.instance === host);
  return { times: (s?.values ?? []).map((v) => v[0]), values: (s?.values ?? []).map((v) => (Number.isFinite(Number(v[1])) ? Number(v[1]) : null)) };
}
