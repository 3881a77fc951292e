import type { DatasourceRef } from './dashboard';
import { isObject, text } from './read';

/** refOf reads a reference to a source: an object with uid and type, the name that files before schema 33 have, or null for the default. */
export function refOf(v: unknown, otherwise: DatasourceRef = { uid: '', type: '' }): DatasourceRef {
  if (isObject(v)) {
    const uid = text(v.uid) || text(v.name);
    return { uid, type: text(v.type) || (uid === '' ? otherwise.type : '') };
  }
  const name = text(v);
  if (name === '' || name === 'default') return otherwise;
  if (name.startsWith('-- ') || name === 'grafana') return { uid: name, type: 'datasource' };
  return { uid: name, type: '' };
}
