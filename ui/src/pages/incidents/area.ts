import { incidents as readIncidents } from '../../api/incidents';
import type { Area } from '../../app/area';
import { language, translate } from '../../i18n';
import { stock } from '../../stock';

export const incidents: Area = {
  menu: [{ to: '/incidents', icon: 'incidents', label: { en: 'Incidents', zh: '事件' }, key: 'i', phone: true, also: ['/escalations', '/oncall', '/reports'] }],
  routes: [
    { path: '/incidents', load: () => import('./Incidents'), name: 'Incidents' },
    { path: '/incidents/$id', load: () => import('./Incident'), name: 'IncidentPage' },
    { path: '/escalations', load: () => import('./Escalations'), name: 'Escalations' },
    { path: '/oncall', load: () => import('./OnCall'), name: 'OnCall' },
    { path: '/reports', load: () => import('./Reports'), name: 'Reports' },
  ],
  sources: [
    {
      name: { en: 'Incidents', zh: '事件' },
      find: async (text, signal) => {
        const id = /^#?(\d+)$/.exec(text.trim())?.[1];
        const { incidents: list } = await readIncidents({ q: id ? undefined : text.trim() || undefined, state: text.trim() === '' ? 'firing,acknowledged' : undefined, limit: 50 }, signal);
        const [{ stateWords }, ships] = await Promise.all([import('./words'), stock.ready()]);
        const title = (text: string): string => ships?.summary(text) ?? text;
        const over = (state: string): boolean => state !== 'firing' && state !== 'acknowledged';
        return (list ?? []).filter((i) => !id || String(i.id).startsWith(id)).sort((a, b) => Number(over(a.state)) - Number(over(b.state))).map((i) => ({ id: `incident-${i.id}`, icon: 'incidents', label: `#${i.id} ${title(i.title)}`, hint: translate(language(), stateWords[i.state]), to: `/incidents/${i.id}`, over: over(i.state) }));
      },
    },
  ],
};
