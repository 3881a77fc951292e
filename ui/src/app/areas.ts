import { add } from '../pages/add/area';
import { admin } from '../pages/admin/area';
import { alerts } from '../pages/alerts/area';
import { dashboards } from '../pages/dashboards/area';
import { explore } from '../pages/explore/area';
import { incidents } from '../pages/incidents/area';
import { overview } from '../pages/overview/area';
import { status } from '../pages/status/area';
import type { Area } from './area';

/** The parts of the console, in the order of the rail. */
export const areas: Area[] = [overview, dashboards, explore, alerts, incidents, add, status, admin];
