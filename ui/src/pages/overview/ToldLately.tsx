import { Link } from '@tanstack/react-router';
import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';

import { hops, type NotificationPage, type Way } from '../../api/notifications';
import { useT } from '../../i18n';
import { useBackend } from '../../ui/Elsewhere';
import { span } from '../../ui/format';
import { Ago, Card, Empty, Failed, Loading, StateMark } from '../../ui/parts';

const m = {
  title: { en: 'Told lately', zh: '最近通知' },
  none: { en: 'Nobody has been told anything yet', zh: '尚未发送任何通知' },
  elsewhere: { en: 'Another Alertmanager tells people', zh: '由其他 Alertmanager 通知' },
  elsewhereHint: { en: 'The one at {url} does, and does not say when it did.', zh: '由 {url} 通知，其接口不提供通知记录。' },
  hint: { en: 'Send a sample with', zh: '发送测试消息：' },
  firing: { en: 'firing', zh: '触发' },
  resolved: { en: 'resolved', zh: '已恢复' },
  failed: { en: 'failed', zh: '失败' },
  way: { en: 'From the sample to the answer: {hops}', zh: '从采样到应答：{hops}' },
};

/** HopBar draws the way of an alert from its sample to the receiver's answer, to scale. */
export function HopBar({ way }: { way: Way | undefined }): ReactNode {
  const t = useT();
  const w = hops(way);
  if (!w) return null;
  const text = w.hops.map((h) => `${h.to} +${span(h.ms).number} ${span(h.ms).unit}`).join(' → ');
  const total = span(w.total);
  return (
    <span className="hops" title={text}>
      <span className="hops-bar" role="img" aria-label={t(m.way, { hops: text })}>
        {w.hops.map((h, i) => <span key={h.to} data-hop={i % 2} style={{ flexGrow: Math.max(h.ms, w.total / 60) }} />)}
      </span>
      <b>{total.number}</b><span className="unit">{total.unit}</span>
    </span>
  );
}

/** ToldLately is what receivers were told last, and how soon. */
export function ToldLately({ answer }: { answer: UseQueryResult<NotificationPage> }): ReactNode {
  const t = useT();
  const rows = answer.data?.notifications ?? [];
  const alertmanager = useBackend('alerts');
  return (
    <Card title={t(m.title)} columns={6} flush>
      {answer.error ? <Failed error={answer.error} retry={() => void answer.refetch()} /> : null}
      {answer.isPending ? <Loading height={120} /> : rows.length === 0 && alertmanager ? (
        <Empty title={t(m.elsewhere)}>{t(m.elsewhereHint, { url: alertmanager.url })}</Empty>
      ) : rows.length === 0 ? (
        <Empty title={t(m.none)}>{t(m.hint)} <code>touchline notify test</code></Empty>
      ) : (
        <table className="table as-cards">
          <tbody>
            {rows.map((n) => (
              <tr key={n.id}>
                <td><StateMark tone={n.error ? 'critical' : n.firing > 0 ? 'warning' : 'good'}>{n.error ? t(m.failed) : n.firing > 0 ? t(m.firing) : t(m.resolved)}</StateMark></td>
                <td style={{ minWidth: 0 }}>
                  {n.incident ? <Link to={`/incidents/${n.incident}` as never}>{n.group || '–'}</Link> : <span>{n.group || '–'}</span>}
                  {n.error && <div className="muted" style={{ overflowWrap: 'anywhere' }}>{n.error}</div>}
                </td>
                <td className="muted">{n.receiver} <span className="unit">{n.integration}</span></td>
                <td><HopBar way={n.way} /></td>
                <td className="num muted"><Ago at={n.at} /></td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Card>
  );
}
