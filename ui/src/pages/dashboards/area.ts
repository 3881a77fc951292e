import type { Area } from '../../app/area';

export const dashboards: Area = { menu: [], routes: [] };
