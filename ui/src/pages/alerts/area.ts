import { alerts as readAlerts } from '../../api/alertmanager';
import { ruleGroups } from '../../api/prometheus';
import type { Area } from '../../app/area';
import { rank } from '../../app/search';
import { stock } from '../../stock';
import { exactly } from './matchers';
import { ruleLink } from './links';

const best = <T,>(list: T[], text: (x: T) => string, typed: string): T[] =>
  list.map((x) => [rank(text(x), typed), x] as const).filter(([n]) => n > 0).sort((a, b) => b[0] - a[0]).slice(0, 20).map(([, x]) => x);

export const alerts: Area = {
  menu: [{ to: '/alerts', icon: 'alerts', label: { en: 'Alerts', zh: '告警' }, key: 'a', phone: true, also: ['/rules', '/silences', '/maintenance', '/notifications', '/channels', '/backtest', '/shadow'] }],
  routes: [
    { path: '/alerts', load: () => import('./Alerts'), name: 'Alerts' },
    { path: '/rules', load: () => import('./Rules'), name: 'Rules' },
    { path: '/rules/rule', load: () => import('./Rule'), name: 'Rule' },
    { path: '/silences', load: () => import('./Silences'), name: 'Silences' },
    { path: '/maintenance', load: () => import('./Maintenance'), name: 'Maintenance' },
    { path: '/notifications', load: () => import('./Notifications'), name: 'Notifications' },
    { path: '/backtest', load: () => import('./Backtest'), name: 'Backtest' },
    { path: '/shadow', load: () => import('./Shadow'), name: 'Shadow' },
    { path: '/channels', load: () => import('./Channels'), name: 'Channels' },
  ],
  sources: [
    {
      name: { en: 'Alerts', zh: '告警' },
      find: async (text, signal) => {
        const [all, ships] = await Promise.all([readAlerts({}, signal), stock.ready()]);
        return best(all, (a) => `${a.labels.alertname ?? ''} ${Object.entries(a.labels).filter(([n]) => n !== 'alertname').map(([n, v]) => `${n}=${v}`).join(' ')}`, text).map((a) => ({
          id: `alert-${a.fingerprint}`, icon: 'alerts', label: a.labels.alertname ?? a.fingerprint, hint: a.annotations.summary && (ships?.summary(a.annotations.summary) ?? a.annotations.summary), to: `/alerts?filter=${encodeURIComponent(exactly(a.labels))}`,
        }));
      },
    },
    {
      name: { en: 'Rules', zh: '规则' },
      find: async (text, signal) =>
        best((await ruleGroups(signal)).flatMap((g) => g.rules.map((rule) => ({ g, rule }))), (r) => r.rule.name, text).map(({ g, rule }) => ({
          id: `rule-${g.file}-${g.name}-${rule.name}`, icon: 'status', label: rule.name, hint: g.name, to: ruleLink(g.file, g.name, rule.name),
        })),
    },
  ],
};
