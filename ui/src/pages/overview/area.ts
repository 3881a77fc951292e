import type { Area } from '../../app/area';

export const overview: Area = {
  menu: [{ to: '/', icon: 'overview', label: { en: 'Overview', zh: '总览' }, key: 'o', phone: true }],
  routes: [{ path: '/', load: () => import('./Overview'), name: 'Overview' }],
};
