import type { Area } from '../../app/area';

export const explore: Area = { menu: [], routes: [] };
