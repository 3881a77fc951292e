import type { Area } from '../../app/area';

export const add: Area = { menu: [], routes: [] };
