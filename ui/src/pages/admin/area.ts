import type { Area } from '../../app/area';

export const admin: Area = { menu: [], routes: [] };
