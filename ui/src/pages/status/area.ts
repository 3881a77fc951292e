import type { Area } from '../../app/area';
import { type Found, rank } from '../../app/search';

export const status: Area = {
  menu: [{ to: '/status', icon: 'status', label: { en: 'Status', zh: '运行状态' }, key: 's' }],
  routes: [
    { path: '/status', load: () => import('./Status'), name: 'StatusPage' },
    { path: '/status/configuration', load: () => import('./Configuration'), name: 'ConfigurationPage' },
    { path: '/status/storage', load: () => import('./Storage'), name: 'StoragePage' },
    { path: '/status/cluster', load: () => import('./Cluster'), name: 'ClusterPage' },
    { path: '/status/metrics', load: () => import('./Own'), name: 'OwnPage' },
  ],
  sources: [
    {
      name: { en: 'Settings', zh: '设置' },
      find: async (text, signal): Promise<Found[]> => {
        if (text.trim() === '') return [];
        const { flags } = await import('../../api/server');
        return Object.entries(await flags(signal))
          .map(([name, value]): [number, Found] => [rank(name, text.replace(/^--/, '')), { id: name, icon: 'status', label: `--${name}`, hint: value.slice(0, 40), to: `/status/configuration?text=${encodeURIComponent(name)}` }])
          .filter(([n]) => n >= 40)
          .sort((a, b) => b[0] - a[0])
          .map(([, f]) => f);
      },
    },
  ],
};
