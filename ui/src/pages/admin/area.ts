import type { Area } from '../../app/area';

export const admin: Area = {
  menu: [{ to: '/admin', icon: 'admin', label: { en: 'Administration', zh: '系统管理' }, key: 'u' }],
  routes: [
    { path: '/admin', load: () => import('./Profile'), name: 'ProfilePage' },
    { path: '/admin/users', load: () => import('./Users'), name: 'UsersPage' },
    { path: '/admin/tokens', load: () => import('./Tokens'), name: 'TokensPage' },
    { path: '/admin/sessions', load: () => import('./Sessions'), name: 'SessionsPage' },
    { path: '/admin/audit', load: () => import('./Audit'), name: 'AuditPage' },
  ],
};
