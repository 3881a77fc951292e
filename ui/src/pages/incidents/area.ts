import type { Area } from '../../app/area';

export const incidents: Area = { menu: [], routes: [] };
