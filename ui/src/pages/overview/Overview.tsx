import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { type ReactNode } from 'react';

import { type Alert, alerts as activeAlerts } from '../../api/alertmanager';
import { get } from '../../api/client';
import { query, type QueryAnswer } from '../../api/prometheus';
import { status as serverStatus, type Status } from '../../api/status';
import { notifications } from '../../api/notifications';
import { useT } from '../../i18n';
import { useSaid } from '../../i18n/useSaid';
import { useSummary } from '../../stock';
import { Ago, Card, Empty, Failed, LabelList, Loading, Notice, Page, StateMark } from '../../ui/parts';
import { needsPerson, severityTone, type Tone, worst } from '../../ui/tone';
import { RefusedText, useDoor, useRefused, useRefusals } from '../add/Refusals';
import { byFigure, containerName, nowQuery } from './figures';
import { Hosts } from './Hosts';
import { Containers, Services } from './Loads';
import { inOrder, type Need, type OpenIncident, standOf } from './needs';
import { ToldLately } from './ToldLately';

const m = {
  title: { en: 'Overview', zh: '总览' },
  right: { en: 'All right.', zh: '一切正常。' },
  firing: { en: '{n} alerts are firing.', zh: '{n} 条告警正在触发。' },
  firing1: { en: '{name} is firing.', zh: '{name} 正在触发。' },
  incidents: { en: '{n} incidents are open.', zh: '{n} 个事件未关闭。' },
  incident1: { en: 'One incident is open.', zh: '1 个事件未关闭。' },
  watch: { en: '{rules} rules watch {targets} targets; {hosts} of them hosts.', zh: '{rules} 条规则监视 {targets} 个目标，其中 {hosts} 台主机。' },
  elsewhere: { en: '{targets} targets are watched by the server at {url}; {hosts} of them hosts.', zh: '{url} 监视 {targets} 个目标，其中 {hosts} 台主机。' },
  elsewhereNone: { en: 'The server at {url} names no job: it has no series called up.', zh: '{url} 未列出任何作业：没有名为 up 的序列。' },
  proven: { en: 'A receiver was last proven', zh: '接收人上次验证：' },
  end: { en: '.', zh: '。' },
  unproven: { en: 'No receiver is proven yet.', zh: '尚未验证任何接收人。' },
  down: { en: '{n} targets are down.', zh: '{n} 个目标已下线。' },
  turnedAway: { en: 'Data that comes is refused.', zh: '有数据被拒绝接收。' },
  needs: { en: 'Needs a person', zh: '需要处理' },
  nothing: { en: 'Nothing is open', zh: '没有待处理的事项' },
  nothingHint: { en: 'Alerts and incidents appear here within a second.', zh: '告警和事件会在一秒内显示在这里。' },
  since: { en: 'since', zh: '始于' },
  more: { en: 'and {n} more', zh: '另有 {n} 条' },
  snoozed: { en: 'Snoozed', zh: '已暂缓' },
  takenBy: { en: 'taken by {who}', zh: '由 {who} 处理' },
  unwatched: { en: 'Looked for, not seen', zh: '未发现的数据源' },
  watched: { en: 'Watched', zh: '监控对象' },
  up: { en: 'up', zh: '正常' },
  isDown: { en: 'down', zh: '下线' },
  noReceiver: { en: 'No receiver is configured: alerts are shown here and told to nobody. Name one with', zh: '尚未配置接收人：告警只显示在此处，不会通知任何人。请使用以下命令添加：' },
  every: { en: 'every {n} s', zh: '每 {n} 秒' },
};

/** How much is shown of what needs a person. */
const most = 12;

const keyOf = (n: Need<OpenIncident | Alert>): string => ('id' in n.what ? `i${n.what.id}` : n.what.fingerprint);

function NeedRow({ need: { what, severity, stand } }: { need: Need<OpenIncident | Alert> }): ReactNode {
  const t = useT();
  const summary = useSummary();
  const mark = <td><StateMark tone={stand === 'snoozed' ? 'quiet' : severityTone(severity)}>{severity || '–'}</StateMark></td>;
  if ('id' in what) {
    const by = what.acknowledged_by || what.assignee;
    return (
      <tr>
        {mark}
        <td><Link to={`/incidents/${what.id}` as never}>#{what.id} {summary(what.title)}</Link></td>
        <td className="muted">{by ? t(m.takenBy, { who: by }) : ''}</td>
        <td className="num muted"><Ago at={what.opened_at} /></td>
      </tr>
    );
  }
  return (
    <tr>
      {mark}
      <td>
        <Link to={'/alerts' as never} search={{ filter: `alertname="${what.labels.alertname}"` } as never}>{what.labels.alertname}</Link>
        <div className="muted">{summary(what.annotations.summary ?? '')}</div>
      </td>
      <td><LabelList labels={what.labels} without={['alertname', 'severity']} /></td>
      <td className="num muted"><Ago at={what.startsAt} /></td>
    </tr>
  );
}

/** Overview answers whether it is all right, right now. */
export function Overview(): ReactNode {
  const t = useT();
  const said = useSaid();
  const door = useDoor();
  const sayRefused = useRefused();
  const status = useQuery({ queryKey: ['status'], queryFn: ({ signal }) => serverStatus(signal), refetchInterval: 1000 });
  const alerts = useQuery({ queryKey: ['alerts', 'active'], queryFn: ({ signal }) => activeAlerts({ active: true, silenced: false, inhibited: false }, signal), refetchInterval: 1000 });
  const incidents = useQuery({
    queryKey: ['incidents', 'open'],
    queryFn: ({ signal }) => get<{ incidents: OpenIncident[] | null }>('/touchline/v1/incidents', { params: { state: 'firing,acknowledged', limit: 200 }, signal }),
    refetchInterval: 2000,
  });
  const now = useQuery({ queryKey: ['overview', 'now'], queryFn: ({ signal }) => query({ query: nowQuery, signal }), refetchInterval: 1000 });
  const lately = useQuery({ queryKey: ['overview', 'told'], queryFn: ({ signal }) => notifications({ limit: 8 }, signal), refetchInterval: 2000 });

  const open = incidents.data?.incidents ?? [];
  const firing = (alerts.data ?? []).filter((a) => needsPerson(a.labels));
  // What an open incident is about is told by it.
  const alone = firing.filter((a) => !open.some((i) => i.labels && Object.keys(i.labels).length > 0 && Object.entries(i.labels).every(([n, v]) => a.labels[n] === v)));
  const refused = useRefusals(status.data !== undefined && !status.data.backends?.some((b) => b.engine === 'metrics'));
  const clock = Date.now();
  const needs = inOrder<OpenIncident | Alert>([
    ...open.map((i): Need<OpenIncident> => ({ stand: standOf(i, clock), severity: i.severity, since: Date.parse(i.opened_at), what: i })),
    ...alone.map((a): Need<Alert> => ({ stand: 'untaken', severity: a.labels.severity, since: Date.parse(a.startsAt), what: a })),
  ]);
  const awake = needs.filter((n) => n.stand !== 'snoozed');
  const shown = awake.slice(0, most);
  const asleep = needs.filter((n) => n.stand === 'snoozed').slice(0, most);
  return (
    <Page title={t(m.title)} sentence={<Headline status={status.data} hosts={hostsOf(now.data)} firing={firing.map((a) => a.labels.alertname ?? '')} tone={worst(firing.map((a) => a.labels.severity))} open={open.length} refused={refused.length > 0} />}>
      {status.error && <Failed error={status.error} retry={() => void status.refetch()} />}
      {status.data?.alerts.none && (
        <Notice tone="warning">{t(m.noReceiver)} <code>touchline notify add</code></Notice>
      )}
      <div className="grid" style={{ marginTop: 12 }}>
        <Card title={t(m.needs)} columns={6} flush>
          {alerts.error || incidents.error ? <Failed error={alerts.error ?? incidents.error} retry={() => { void alerts.refetch(); void incidents.refetch(); }} /> : null}
          {alerts.isPending ? <Loading height={120} /> : needs.length + refused.length === 0 ? (
            <Empty title={<StateMark tone="good">{t(m.nothing)}</StateMark>}>{t(m.nothingHint)}</Empty>
          ) : (
            <table className="table as-cards">
              <tbody>
                {refused.map((r) => (
                  <tr key={r.door}>
                    <td><StateMark tone="critical">{door(r.door)}</StateMark></td>
                    <td colSpan={3}>{sayRefused(r.code, r.count)}<div className="muted"><RefusedText refusal={r} /></div></td>
                  </tr>
                ))}
                {shown.map((n) => <NeedRow key={keyOf(n)} need={n} />)}
                {awake.length > most && <tr><td colSpan={4}><Link to={'/alerts' as never}>{t(m.more, { n: awake.length - most })}</Link></td></tr>}
                {asleep.length > 0 && <tr><th colSpan={4} scope="colgroup">{t(m.snoozed)}</th></tr>}
                {asleep.map((n) => <NeedRow key={keyOf(n)} need={n} />)}
              </tbody>
            </table>
          )}
        </Card>
        <ToldLately answer={lately} />
        <Hosts now={now.data} pending={now.isPending} error={now.error} retry={() => void now.refetch()} />
        <Services />
        <Containers now={now.data} pending={now.isPending} watched={status.data?.watched?.some((w) => w.up && w.source === 'in-process' && w.job === 'cadvisor') ?? false} />
        <Card title={t(m.watched)} columns={6} flush>
          {status.data ? <Watched status={status.data} /> : <Loading height={120} />}
        </Card>
        {(status.data?.not_seen?.length ?? 0) > 0 && (
          <Card title={t(m.unwatched)} columns={12} flush>
            <table className="table as-cards">
              <tbody>
                {status.data!.not_seen!.map((n) => (
                  <tr key={n.what}><td>{said(n.what)}</td><td className="muted">{said(n.reason)}</td><td>{said(n.remedy)}</td></tr>
                ))}
              </tbody>
            </table>
          </Card>
        )}
      </div>
    </Page>
  );
}

function hostsOf(answer: QueryAnswer | undefined): number {
  return byFigure(answer, (l) => l.instance ?? containerName(l)).get('cpu')?.size ?? 0;
}

function Headline({ status, hosts, firing, open, refused, tone }: { status: Status | undefined; hosts: number; firing: string[]; open: number; refused: boolean; tone: Tone }): ReactNode {
  const t = useT();
  if (!status) return <span className="skeleton" style={{ display: 'inline-block', width: 320, height: 16 }} />;
  const targets = (status.watched ?? []).reduce((n, w) => n + w.targets, 0);
  const down = (status.watched ?? []).reduce((n, w) => n + w.down, 0);
  const proven = (status.alerts.receivers ?? []).flatMap((r) => r.last_proven ?? []).map((p) => p.at ?? '').sort().at(-1);
  const names = [...new Set(firing)];
  const parts: string[] = [];
  if (open > 0) parts.push(open === 1 ? t(m.incident1) : t(m.incidents, { n: open }));
  if (firing.length > 0) parts.push(names.length === 1 ? t(m.firing1, { name: names[0]! }) : t(m.firing, { n: firing.length }));
  if (down > 0) parts.push(t(m.down, { n: down }));
  if (refused) parts.push(t(m.turnedAway));
  const quiet = parts.length === 0;
  const metrics = status.backends?.find((b) => b.engine === 'metrics');
  return (
    <>
      <StateMark tone={quiet ? 'good' : open > 0 && tone === 'good' ? 'warning' : firing.length > 0 ? tone : 'warning'}>{quiet ? t(m.right) : parts.join(' ')}</StateMark>{' '}
      {metrics ? t(m.elsewhere, { targets, hosts, url: metrics.url }) : t(m.watch, { rules: status.rules.alerting, targets, hosts })}{' '}
      {status.alerts.none || status.alerts.mode === 'external' ? null : proven ? <>{t(m.proven)} <Ago at={proven} />{t(m.end)}</> : <Link to={'/channels' as never}>{t(m.unproven)}</Link>}
    </>
  );
}

function Watched({ status }: { status: Status }): ReactNode {
  const t = useT();
  const said = useSaid();
  const metrics = status.backends?.find((b) => b.engine === 'metrics');
  if (metrics && (status.watched ?? []).length === 0) return <Empty title={t(m.elsewhereNone, { url: metrics.url })} />;
  return (
    <table className="table as-cards">
      <tbody>
        {(status.watched ?? []).map((w) => (
          <tr key={`${w.job} ${w.instance}`}>
            <td><StateMark tone={w.up ? 'good' : 'critical'}>{w.up ? t(m.up) : t(m.isDown)}</StateMark></td>
            <td><b>{w.job}</b> <span className="muted">{w.instance}</span></td>
            <td>{said(w.what)}{w.error && <div style={{ color: 'var(--critical)' }}>{w.error}</div>}</td>
            <td className="num muted">{w.interval_seconds > 0 && t(m.every, { n: w.interval_seconds })}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
