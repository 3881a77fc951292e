import type { Message } from '../i18n';
import type { IconName } from '../ui/icons';

/** The pages that stand behind the tabs of another, for whoever looks for them by name. */
export const subpages: { to: string; icon: IconName; label: Message }[] = [
  { to: '/rules', icon: 'alerts', label: { en: 'Rules', zh: '规则' } },
  { to: '/silences', icon: 'alerts', label: { en: 'Silences', zh: '静默' } },
  { to: '/maintenance', icon: 'alerts', label: { en: 'Maintenance', zh: '维护窗口' } },
  { to: '/notifications', icon: 'alerts', label: { en: 'Notifications', zh: '通知记录' } },
  { to: '/channels', icon: 'alerts', label: { en: 'Channels', zh: '通知渠道' } },
  { to: '/backtest', icon: 'alerts', label: { en: 'Backtest', zh: '回测' } },
  { to: '/shadow', icon: 'alerts', label: { en: 'Shadow reports', zh: '影子运行报告' } },
  { to: '/escalations', icon: 'incidents', label: { en: 'Escalations', zh: '升级' } },
  { to: '/oncall', icon: 'incidents', label: { en: 'On call', zh: '值班' } },
  { to: '/reports', icon: 'incidents', label: { en: 'Reports', zh: '报告' } },
  { to: '/targets', icon: 'watched', label: { en: 'Targets', zh: '抓取目标' } },
  { to: '/add', icon: 'watched', label: { en: 'Add data', zh: '接入数据' } },
  { to: '/dashboards/new', icon: 'dashboards', label: { en: 'New dashboard', zh: '新建仪表盘' } },
  { to: '/status/configuration', icon: 'status', label: { en: 'Configuration', zh: '配置' } },
  { to: '/status/storage', icon: 'status', label: { en: 'Storage and cardinality', zh: '存储与基数' } },
  { to: '/status/cluster', icon: 'status', label: { en: 'Cluster', zh: '集群' } },
  { to: '/status/metrics', icon: 'status', label: { en: 'Own metrics', zh: '自身指标' } },
  { to: '/admin/users', icon: 'admin', label: { en: 'Users', zh: '用户' } },
  { to: '/admin/tokens', icon: 'admin', label: { en: 'Tokens', zh: '令牌' } },
  { to: '/admin/sessions', icon: 'admin', label: { en: 'Sessions', zh: '会话' } },
  { to: '/admin/audit', icon: 'admin', label: { en: 'Audit log', zh: '审计日志' } },
];
