import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';

import { query, type QueryAnswer } from '../../api/prometheus';
import { useT } from '../../i18n';
import { below } from '../../ui/address';
import { figure } from '../../ui/format';
import { Card, Empty, Failed, Loading } from '../../ui/parts';
import { exploreLink } from '../explore/address';
import { byFigure, containerName, oneQuery, serviceFigures } from './figures';

const m = {
  services: { en: 'Services', zh: '服务' },
  service: { en: 'Service', zh: '服务' },
  rate: { en: 'Requests', zh: '请求' },
  errors: { en: 'Errors', zh: '错误率' },
  p99: { en: 'p99', zh: 'p99' },
  noServices: { en: 'No service counts its requests', zh: '没有服务上报请求指标' },
  noServicesHint: { en: 'A service shows here when it exports http_requests_total or http_request_duration_seconds.', zh: '服务导出 http_requests_total 或 http_request_duration_seconds 后会显示在此处。' },
  add: { en: 'Add a service', zh: '添加服务' },
  containers: { en: 'Containers and control groups', zh: '容器与控制组' },
  name: { en: 'Name', zh: '名称' },
  cpu: { en: 'CPU, cores', zh: 'CPU（核）' },
  memory: { en: 'Memory', zh: '内存' },
  noneRuns: { en: 'No container runs', zh: '没有正在运行的容器' },
  noneRunsHint: { en: 'Control groups are watched: containers and services are here as soon as they run.', zh: '已监控控制组：容器和服务运行后会显示在此处。' },
  noContainers: { en: 'No container is watched', zh: '尚未监控任何容器' },
};

/** Value is a figure with its unit in a lighter weight. */
function Value({ value, unit }: { value: number | undefined; unit: Parameters<typeof figure>[1] }): ReactNode {
  if (value === undefined) return <span className="muted">–</span>;
  const f = figure(value, unit);
  return <>{f.number}<span className="unit">{f.unit}</span></>;
}

/** Services shows rate, errors and duration of those that count their requests. */
export function Services(): ReactNode {
  const t = useT();
  const answer = useQuery({ queryKey: ['overview', 'services'], queryFn: ({ signal }) => query({ query: oneQuery(serviceFigures), signal }), refetchInterval: 5000 });
  const of = byFigure(answer.data, (l) => l.job ?? '');
  const names = [...(of.get('rate')?.keys() ?? [])].sort();
  return (
    <Card title={t(m.services)} columns={6} flush>
      {answer.error ? <Failed error={answer.error} retry={() => void answer.refetch()} /> : null}
      {answer.isPending ? <Loading height={88} /> : names.length === 0 ? (
        <Empty title={t(m.noServices)} action={<Link to={'/add' as never}>{t(m.add)}</Link>}>{t(m.noServicesHint)}</Empty>
      ) : (
        <table className="table">
          <thead><tr><th>{t(m.service)}</th><th className="num">{t(m.rate)}</th><th className="num">{t(m.errors)}</th><th className="num">{t(m.p99)}</th></tr></thead>
          <tbody>
            {names.map((name) => {
              const rate = of.get('rate')?.get(name) ?? 0;
              const errors = of.get('errors')?.get(name) ?? 0;
              return (
                <tr key={name}>
                  <td><Link {...below(exploreLink(`{job="${name}"}`))}>{name}</Link></td>
                  <td className="num"><Value value={rate} unit="per second" /></td>
                  <td className="num" style={errors > 0 ? { color: 'var(--critical)' } : undefined}><Value value={rate > 0 ? errors / rate : 0} unit="ratio" /></td>
                  <td className="num"><Value value={of.get('duration')?.get(name)} unit="seconds" /></td>
                </tr>
              );
            })}
          </tbody>
        </table>
      )}
    </Card>
  );
}

/** Containers shows the busiest. */
export function Containers({ now, pending, watched }: { now: QueryAnswer | undefined; pending: boolean; watched: boolean }): ReactNode {
  const t = useT();
  const of = byFigure(now, containerName);
  const cpu = [...(of.get('ccpu') ?? [])].sort((a, b) => b[1] - a[1]);
  return (
    <Card title={t(m.containers)} columns={6} flush>
      {pending ? <Loading height={88} /> : cpu.length === 0 ? <Empty title={t(watched ? m.noneRuns : m.noContainers)}>{watched && t(m.noneRunsHint)}</Empty> : (
        <table className="table">
          <thead><tr><th>{t(m.name)}</th><th className="num">{t(m.cpu)}</th><th className="num">{t(m.memory)}</th></tr></thead>
          <tbody>
            {cpu.map(([name, cores]) => (
              <tr key={name}>
                <td className="ellipsis" style={{ maxWidth: 280 }} title={name}>{name}</td>
                <td className="num"><Value value={cores} unit="" /></td>
                <td className="num"><Value value={of.get('cmemory')?.get(name)} unit="bytes" /></td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Card>
  );
}
