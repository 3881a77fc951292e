import { findDashboards } from '../../api/dashboards';
import type { Area } from '../../app/area';

export const dashboards: Area = {
  menu: [{ to: '/dashboards', icon: 'dashboards', label: { en: 'Dashboards', zh: '仪表盘' }, key: 'd', phone: true, also: ['/d/', '/playlist'] }],
  routes: [
    { path: '/dashboards', load: () => import('./List'), name: 'List' },
    {
      // Its draft may have anybody's JSON in it.
      path: '/dashboards/new', name: 'NewDashboard', load: async () => {
        await import('./v2/edits');
        return import('./DashboardPage');
      },
    },
    { path: '/d/$uid', load: () => import('./DashboardPage'), name: 'DashboardPage' },
    { path: '/d/$uid/versions', load: () => import('./Versions'), name: 'Versions' },
    // Addresses of Grafana have a slug behind the uid.
    { path: '/d/$uid/$slug', load: () => import('./DashboardPage'), name: 'DashboardPage' },
    { path: '/playlist', load: () => import('./Playlist'), name: 'Playlist' },
  ],
  sources: [{
    name: { en: 'Dashboards', zh: '仪表盘' },
    find: async (text, signal) => (await findDashboards(text, signal)).map((d) => ({ id: d.uid, icon: 'dashboards' as const, label: d.title, hint: d.folder || undefined, to: `/d/${encodeURIComponent(d.uid)}` })),
  }],
};
