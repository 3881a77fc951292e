import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';

import { ownTarget, selfMatchers } from '../../api/self';
import { vector } from '../../api/server';
import { keepTime } from '../../app/Frame';
import { useT } from '../../i18n';
import { StateMark } from '../../ui/parts';
import { type DoorID, doors, type Refusal, refusals } from './received';

const m = {
  refused: { en: 'Refused with {code}, {n} times in the last minute', zh: '最近一分钟被拒绝 {n} 次，状态码 {code}' },
  refused1: { en: 'Refused with {code}, once in the last minute', zh: '最近一分钟被拒绝 1 次，状态码 {code}' },
  token: { en: 'The sender shows no valid token.', zh: '发送方未携带有效令牌。' },
  broken: { en: 'What comes is not in this protocol, or is broken; the sender’s log says more.', zh: '数据不符合该协议或已损坏；详见发送方日志。' },
  other: { en: 'The sender’s log has the reason.', zh: '原因见发送方日志。' },
  guide: { en: 'What to set there', zh: '查看如何配置发送方' },
  'remote-write': { en: 'Remote write', zh: '远程写入' },
  'otel-collector': { en: 'OpenTelemetry', zh: 'OpenTelemetry' },
  alerts: { en: 'Alerts of other systems', zh: '其他系统的告警' },
} satisfies Record<string, { en: string; zh: string }> & Record<DoorID, unknown>;

const handlers = doors.flatMap((d) => d.handlers).join('|');

async function look(signal: AbortSignal): Promise<Refusal[]> {
  const counter = `touchline_http_requests_total{${selfMatchers(await ownTarget(signal))},method="post",code=~"[45]..",handler=~${JSON.stringify(handlers)}}`;
  const [now, before] = await Promise.all([vector(`sum by (handler, code) (${counter})`, signal), vector(`sum by (handler, code) (${counter} offset 1m)`, signal)]);
  return refusals(now, before);
}

/** useRefusals is what was turned away in the last minute. */
export const useRefusals = (enabled: boolean): Refusal[] => useQuery({ enabled, queryKey: ['refusals'], queryFn: ({ signal }) => look(signal), refetchInterval: 5000 }).data ?? [];

/** useRefused says a refusal as a sentence. */
export function useRefused(): (code: string, count: number) => string {
  const t = useT();
  return (code, count) => t(Math.round(count) === 1 ? m.refused1 : m.refused, { code, n: Math.round(count) });
}

/** RefusedWhy is what a sender may have wrong. */
export function RefusedWhy({ code }: { code: string }): ReactNode {
  const t = useT();
  return t(code === '401' || code === '403' ? m.token : code === '400' || code === '415' ? m.broken : m.other);
}

export const useDoor = (): ((id: DoorID) => string) => {
  const t = useT();
  return (id) => t(m[id]);
};

/** RefusedText is why, and where it is told what to do. */
export function RefusedText({ refusal }: { refusal: Refusal }): ReactNode {
  const t = useT();
  return <><RefusedWhy code={refusal.code} /> <Link to={'/add/$what' as never} params={{ what: refusal.door } as never} search={keepTime as never}>{t(m.guide)}</Link></>;
}

/** Refusals says of each door what it turns away. */
export function Refusals({ list }: { list: Refusal[] }): ReactNode {
  const say = useRefused();
  const door = useDoor();
  return list.map((r) => (
    <div key={r.door} style={{ padding: '8px 12px', borderBottom: '1px solid var(--line)' }} data-refused={r.door}>
      <StateMark tone="critical">{door(r.door)}: {say(r.code, r.count)}</StateMark>
      <div><RefusedText refusal={r} /></div>
    </div>
  ));
}
