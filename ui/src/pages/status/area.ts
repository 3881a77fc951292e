import type { Area } from '../../app/area';

export const status: Area = { menu: [], routes: [] };
