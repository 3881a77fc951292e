// What tells the schemas of dashboards apart.
import { isObject, type Json } from './read';

export const isSpec = (v: Json): boolean => isObject(v.elements) && isObject(v.layout);

/** isV2 tells schema v2, with its elements and layout, from the classic one. */
export const isV2 = (v: Json): boolean => (typeof v.apiVersion === 'string' && v.apiVersion.startsWith('dashboard.grafana.app/v2')) || isSpec(v) || (isObject(v.spec) && isSpec(v.spec));
