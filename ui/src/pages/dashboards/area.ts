import { findDashboards } from '../../api/dashboards';
import type { Area } from '../../app/area';
import { fits, retitled, stock } from '../../stock';

/** The folder that what ships is in. */
const shippedFolder = 'Touchline';

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
    find: async (text, signal) => {
      const [found, words] = await Promise.all([findDashboards(text, signal), stock.ready()]);
      // The server does not know the titles that readers of Chinese see.
      const more = words && text.trim() !== '' ? (await findDashboards(shippedFolder, signal)).filter((d) => d.shipped && fits(words.say(d.title), text) && !found.some((x) => x.uid === d.uid)) : [];
      return retitled([...found, ...more], words).map((d) => ({ id: d.uid, icon: 'dashboards' as const, label: d.title, hint: d.folder || undefined, to: `/d/${encodeURIComponent(d.uid)}` }));
    },
  }],
};
