import type { Area } from '../../app/area';
import type { Found } from '../../app/search';
import { rank } from '../../app/search';
import { language, translate } from '../../i18n';

const states = { up: { en: 'up', zh: '正常' }, down: { en: 'down', zh: '异常' }, unknown: { en: 'not scraped yet', zh: '尚未抓取' } };

export const add: Area = {
  menu: [{ to: '/watched', icon: 'watched', label: { en: 'Watched', zh: '监控对象' }, key: 'w', also: ['/add', '/targets'] }],
  routes: [
    { path: '/watched', load: () => import('./Watched'), name: 'WatchedPage' },
    { path: '/add', load: () => import('./AddIndex'), name: 'AddIndex' },
    { path: '/add/$what', load: () => import('./AddPage'), name: 'AddPage' },
    { path: '/targets', load: () => import('./Targets'), name: 'TargetsPage' },
  ],
  sources: [
    {
      name: { en: 'Targets', zh: '抓取目标' },
      find: async (text, signal): Promise<Found[]> => {
        if (text.trim() === '') return [];
        const { targets } = await import('../../api/server');
        const found = (await targets(signal)).activeTargets.map((t): [number, Found] => {
          const label = `${t.labels.job ?? t.scrapePool} ${t.labels.instance ?? t.scrapeUrl}`;
          return [rank(label, text), { id: `${t.scrapePool} ${t.scrapeUrl} ${JSON.stringify(t.labels)}`, icon: 'watched', label, hint: translate(language(), states[t.health]), to: `/targets?text=${encodeURIComponent(t.labels.instance ?? t.scrapeUrl)}` }];
        });
        return found.filter(([n]) => n > 0).sort((a, b) => b[0] - a[0]).map(([, f]) => f);
      },
    },
    {
      name: { en: 'Add data', zh: '接入数据' },
      find: async (text): Promise<Found[]> => {
        if (text.trim() === '') return [];
        const { guides } = await import('./guides');
        return guides
          .map((g): [number, Found] => {
            const label = translate(language(), g.name);
            return [Math.max(rank(label, text), rank(g.id, text)), { id: g.id, icon: 'add', label, to: `/add/${g.id}` }];
          })
          .filter(([n]) => n >= 40)
          .sort((a, b) => b[0] - a[0])
          .map(([, f]) => f);
      },
    },
  ],
};
