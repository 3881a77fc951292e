import type { Area } from '../../app/area';

export const alerts: Area = { menu: [], routes: [] };
