import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';

import { runtimeInfo } from '../../api/server';
import { type Backend, status } from '../../api/status';
import { type Message, useT } from '../../i18n';
import { useSaid } from '../../i18n/useSaid';
import { digits, figure } from '../../ui/format';
import { Ago, Card, Failed, Loading, Notice, Page, StateMark } from '../../ui/parts';
import type { Tone } from '../../ui/tone';
import { Facts } from './Facts';
import { StatusTabs } from './StatusTabs';

const m = {
  title: { en: 'Status', zh: '运行状态' },
  right: { en: 'All {n} components work. Ready {ms} after the start.', zh: '{n} 个组件全部正常，启动后 {ms} 就绪。' },
  wrong: { en: '{bad} of {n} components need attention: {names}.', zh: '{n} 个组件中有 {bad} 个需要处理：{names}。' },
  starting: { en: 'Not ready: {state}.', zh: '尚未就绪：{state}。' },
  components: { en: 'Components', zh: '组件' },
  ok: { en: 'Works', zh: '正常' },
  off: { en: 'Off', zh: '未启用' },
  degraded: { en: 'Degraded', zh: '降级' },
  failed: { en: 'Failed', zh: '故障' },
  startingState: { en: 'Starting', zh: '启动中' },
  backends: { en: 'Engines elsewhere', zh: '外部引擎' },
  engineMetrics: { en: 'Metrics and rules', zh: '指标与规则' },
  engineAlerts: { en: 'Alertmanager', zh: 'Alertmanager' },
  answers: { en: 'Answers', zh: '正常响应' },
  silent: { en: 'Does not answer', zh: '无响应' },
  unasked: { en: 'Not asked yet', zh: '尚未检查' },
  answeredIn: { en: 'answered in {ms}', zh: '响应用时 {ms}' },
  localMetrics: { en: 'Nothing is scraped, stored or evaluated here: rules are noticed at the interval of that server, and samples are sent to it.', zh: '本机不抓取、不存储、不评估：规则按该服务器的周期评估，样本应发送至该服务器。' },
  localAlerts: { en: 'That server routes and tells. Incidents follow its alerts; escalations tell the receivers of the alertmanager.yml here.', zh: '由该服务器路由并通知。事件跟随其告警；升级通知仍使用本机 alertmanager.yml 的接收方。' },
  build: { en: 'Build', zh: '版本' },
  version: { en: 'Version', zh: '版本' },
  revision: { en: 'Revision', zh: '修订' },
  listeners: { en: 'Listeners', zh: '监听地址' },
  listening: { en: 'listening', zh: '监听中' },
  notListening: { en: 'failed', zh: '失败' },
  endpoints: { en: 'Takes', zh: '接收端点' },
  processElsewhere: { en: 'Process of the metrics backend', zh: '指标后端的进程' },
  process: { en: 'Process', zh: '进程' },
  started: { en: 'Started', zh: '启动时间' },
  host: { en: 'Host', zh: '主机' },
  folder: { en: 'Working folder', zh: '工作目录' },
  loaded: { en: 'Configuration read', zh: '配置加载' },
  loadedOk: { en: 'Taken', zh: '成功' },
  loadedBad: { en: 'Refused: the one before is in force', zh: '被拒绝：沿用之前的配置' },
  goroutines: { en: 'Goroutines', zh: 'Goroutine 数' },
  processors: { en: 'Processors used', zh: '使用的处理器' },
  memoryLimit: { en: 'Memory limit', zh: '内存上限' },
  noLimit: { en: 'none', zh: '无' },
  storage: { en: 'Data', zh: '数据' },
  used: { en: 'On disk', zh: '磁盘占用' },
  retention: { en: 'Kept for', zh: '保留时长' },
  retentionSize: { en: 'Kept up to', zh: '保留大小' },
  forever: { en: 'as long as there is room', zh: '不限' },
  database: { en: 'State', zh: '状态数据库' },
  corrupt: { en: 'Damages of the log found', zh: '日志损坏次数' },
  rules: { en: 'Rules', zh: '规则' },
  groups: { en: 'Groups', zh: '规则组' },
  alerting: { en: 'Alerting', zh: '告警规则' },
  recording: { en: 'Recording', zh: '记录规则' },
  firing: { en: 'Firing', zh: '触发中' },
  pending: { en: 'Pending', zh: '等待中' },
  access: { en: 'Who may look', zh: '访问' },
  users: { en: 'Users sign in', zh: '需要登录' },
  noUsers: { en: 'No users: everybody on this machine may look; changes need the token in {file}', zh: '未创建用户：本机所有人可查看；修改需要 {file} 中的令牌' },
};

const words: Record<string, { tone: Tone; word: Message }> = {
  ok: { tone: 'good', word: m.ok },
  off: { tone: 'quiet', word: m.off },
  degraded: { tone: 'warning', word: m.degraded },
  failed: { tone: 'critical', word: m.failed },
  starting: { tone: 'info', word: m.startingState },
};

const states: Record<string, Message> = { starting: { en: 'starting', zh: '启动中' }, degraded: { en: 'degraded', zh: '降级' }, stopping: { en: 'stopping', zh: '停止中' } };

/** Half of the largest whole number of Go's int64: above it, no limit is meant. An older Prometheus names none. */
const unlimited = 2 ** 62;

/** StatusPage says how this server is. */
export function StatusPage(): ReactNode {
  const t = useT();
  const said = useSaid();
  const { data: s, error, refetch } = useQuery({ queryKey: ['status'], queryFn: ({ signal }) => status(signal), refetchInterval: 2000 });
  const run = useQuery({ queryKey: ['runtime'], queryFn: ({ signal }) => runtimeInfo(signal), refetchInterval: 5000 });
  const components = s?.components ?? [];
  const bad = components.filter((c) => c.state !== 'ok' && c.state !== 'off');
  const sentence = !s ? undefined : s.state !== 'ready' ? t(m.starting, { state: states[s.state] ? t(states[s.state]!) : s.state }) : bad.length > 0 ? t(m.wrong, { bad: bad.length, n: components.length, names: bad.map((c) => c.name).join(', ') }) : t(m.right, { n: components.filter((c) => c.state === 'ok').length, ms: `${digits(s.ready_seconds)} s` });
  const bytes = (n: number): ReactNode => {
    const f = figure(n, 'bytes');
    return <>{f.number}<span className="unit">{f.unit}</span></>;
  };
  return (
    <Page title={t(m.title)} sentence={sentence}>
      <StatusTabs at="/status" />
      {error && <Failed error={error} retry={() => void refetch()} />}
      {!s ? !error && <Loading height={320} /> : (
        <div className="grid">
          {(s.warnings ?? []).length > 0 && <div style={{ gridColumn: 'span 12', display: 'grid', gap: 8 }}>{s.warnings!.map((w) => <Notice key={w} tone="warning">{said(w)}</Notice>)}</div>}
          {(s.backends ?? []).length > 0 && (
            <Card title={t(m.backends)} columns={12} flush>
              <table className="table as-cards"><tbody>{s.backends!.map((b) => <BackendRow key={b.engine} of={b} />)}</tbody></table>
            </Card>
          )}
          <Card title={t(m.components)} columns={6} flush>
            <table className="table">
              <tbody>
                {components.map((c) => {
                  const w = words[c.state] ?? { tone: 'warning' as const, word: { en: c.state, zh: c.state } };
                  return (
                    <tr key={c.name}>
                      <td><StateMark tone={w.tone}>{t(w.word)}</StateMark></td>
                      <td style={{ overflowWrap: 'anywhere' }}>{c.name}{c.message && <div className="muted">{said(c.message)}</div>}</td>
                      <td className="num muted"><Ago at={c.since} /></td>
                    </tr>
                  );
                })}
              </tbody>
            </table>
          </Card>
          <div style={{ gridColumn: 'span 6', display: 'grid', gap: 12, alignContent: 'start' }}>
            <Card title={t(m.build)}>
              <Facts rows={[
                [t(m.version), s.version],
                ...(s.revision ? [[t(m.revision), <code key="r">{s.revision}</code>] as [ReactNode, ReactNode]] : []),
                ['Go', s.go_version],
                ...Object.entries(s.upstream).map(([n, v]): [ReactNode, ReactNode] => [n, v]),
              ]} />
            </Card>
            <Card title={t(s.backends?.some((b) => b.engine === 'metrics') ? m.processElsewhere : m.process)}>
              {run.error && !run.data ? <Failed error={run.error} retry={() => void run.refetch()} /> : !run.data ? <Loading height={140} /> : (
                <Facts rows={[
                  [t(m.started), <Ago key="s" at={run.data.startTime} />],
                  [t(m.host), run.data.hostname],
                  [t(m.folder), <code key="f">{run.data.CWD}</code>],
                  [t(m.loaded), <span key="l"><StateMark tone={run.data.reloadConfigSuccess ? 'good' : 'critical'}>{t(run.data.reloadConfigSuccess ? m.loadedOk : m.loadedBad)}</StateMark> <Ago at={run.data.lastConfigTime} /></span>],
                  [t(m.goroutines), run.data.goroutineCount],
                  [t(m.processors), run.data.GOMAXPROCS],
                  [t(m.memoryLimit), !(run.data.GOMEMLIMIT <= unlimited) ? t(m.noLimit) : bytes(run.data.GOMEMLIMIT)],
                ]} />
              )}
            </Card>
          </div>
          <Card title={t(m.listeners)} columns={6} flush>
            <table className="table"><tbody>{s.listeners.map((l) => (
              <tr key={`${l.name} ${l.address}`}><td><StateMark tone={l.state === 'listening' ? 'good' : 'warning'}>{l.state === 'listening' ? t(m.listening) : l.state === 'failed' ? t(m.notListening) : l.state}</StateMark></td><td><code>{l.address}</code></td><td className="muted mono">{l.flag}</td></tr>
            ))}</tbody></table>
          </Card>
          <Card title={t(m.endpoints)} columns={6} flush>
            <table className="table"><tbody>{(s.endpoints ?? []).map((e) => <tr key={e.what + e.url}><td>{said(e.what)}</td><td style={{ overflowWrap: 'anywhere' }}><code>{e.url}</code></td></tr>)}</tbody></table>
          </Card>
          <Card title={t(m.storage)} columns={4}>
            <Facts rows={[
              [t(m.used), bytes(s.data.used_bytes)],
              [t(m.retention), /^0/.test(s.data.retention_time) ? t(m.forever) : s.data.retention_time],
              [t(m.retentionSize), s.data.retention_size_bytes > 0 ? bytes(s.data.retention_size_bytes) : t(m.forever)],
              [t(m.database), s.data.database],
              ...(run.data ? [[t(m.corrupt), run.data.corruptionCount] as [ReactNode, ReactNode]] : []),
              ['', <code key="d">{s.data.dir}</code>],
            ]} />
          </Card>
          <Card title={t(m.rules)} columns={4}>
            <Facts rows={[[t(m.groups), s.rules.groups], [t(m.alerting), s.rules.alerting], [t(m.recording), s.rules.recording], [t(m.firing), s.rules.firing], [t(m.pending), s.rules.pending]]} />
          </Card>
          <Card title={t(m.access)} columns={4}>
            <span style={{ overflowWrap: 'anywhere' }}>{s.access.users ? t(m.users) : t(m.noUsers, { file: s.token_file ?? 'admin.token' })}</span>
            <div className="muted mono" style={{ marginTop: 4 }}>auth.anonymous: {s.access.anonymous}</div>
          </Card>
        </div>
      )}
    </Page>
  );
}

const backendWords: Record<Backend['state'], { tone: Tone; word: Message }> = {
  up: { tone: 'good', word: m.answers },
  down: { tone: 'critical', word: m.silent },
  unknown: { tone: 'info', word: m.unasked },
};

function BackendRow({ of: b }: { of: Backend }): ReactNode {
  const t = useT();
  const said = useSaid();
  const { tone, word } = backendWords[b.state];
  return (
    <tr>
      <td><StateMark tone={tone}>{t(word)}</StateMark></td>
      <td><b>{t(b.engine === 'metrics' ? m.engineMetrics : m.engineAlerts)}</b> {b.version && <span className="muted">{b.version}</span>}</td>
      <td style={{ overflowWrap: 'anywhere' }}>
        <div>
          <code>{b.url}</code>
          {b.reason && <div style={{ color: 'var(--critical)' }}>{said(b.reason)}</div>}
          <div className="muted">{t(b.engine === 'metrics' ? m.localMetrics : m.localAlerts)}</div>
        </div>
      </td>
      <td className="num muted">{b.looked_at && <>{t(m.answeredIn, { ms: `${digits(b.latency_seconds * 1000)} ms` })} <Ago at={b.looked_at} /></>}</td>
    </tr>
  );
}
