import { call, get } from './client';

/** A dashboard's JSON as Grafana writes it. Nothing about it is trusted. */
export type DashboardJSON = Record<string, unknown>;

export interface DashboardMeta {
  uid: string;
  title: string;
  /** Empty for none. */
  folder: string;
  tags: string[];
  starred: boolean;
  /** Whether it comes from a file. */
  provisioned: boolean;
  /** Whether it ships with the product, as it is. */
  shipped?: boolean;
  panels: number;
  updated?: string;
  updated_by?: string;
  version: number;
}

export interface DashboardDetail extends DashboardMeta {
  /** The file that it comes from. */
  source?: string;
  can_edit: boolean;
}

export interface Kept {
  dashboard: DashboardJSON;
  meta: DashboardDetail;
  etag: string;
}

export interface Saved {
  uid: string;
  url: string;
  version: number;
  warnings: string[];
}

export interface Version {
  version: number;
  updated: string;
  updated_by: string;
  message: string;
}

export interface Share {
  id: string;
  created_at: string;
  created_by: string;
  expires_at: string;
}

export interface Operation {
  op: 'add' | 'remove' | 'replace';
  path: string;
  value?: unknown;
}

export interface DataSource {
  uid: string;
  name: string;
  type: string;
  default?: boolean;
  /** How often it scrapes, such as "30s", where that is known. */
  interval?: string;
  url_shown?: string;
  provisioned?: boolean;
}

export interface ListFilter {
  query?: string;
  tag?: string;
  folder?: string;
  starred?: boolean;
}

const root = '/touchline/v1/dashboards';
const at = (uid: string): string => `${root}/${encodeURIComponent(uid)}`;

/** The largest list that is read at once: past it, searching narrows it. */
const mostListed = 5000;

/** listDashboards reads all pages of the list, up to a bound. */
export async function listDashboards(filter: ListFilter = {}, signal?: AbortSignal): Promise<{ dashboards: DashboardMeta[]; more: boolean }> {
  const dashboards: DashboardMeta[] = [];
  let cursor = '';
  do {
    const page = await get<{ dashboards: DashboardMeta[] | null; next: string }>(root, {
      params: { query: filter.query, tag: filter.tag, folder: filter.folder, starred: filter.starred || undefined, limit: 1000, cursor }, signal,
    });
    dashboards.push(...(page.dashboards ?? []));
    cursor = page.next;
  } while (cursor && dashboards.length < mostListed);
  return { dashboards, more: cursor !== '' && cursor !== undefined };
}

/** findDashboards gives a few for the search of the console. */
export async function findDashboards(query: string, signal?: AbortSignal): Promise<DashboardMeta[]> {
  return (await get<{ dashboards: DashboardMeta[] | null }>(root, { params: { query, limit: 20 }, signal })).dashboards ?? [];
}

export async function folders(signal?: AbortSignal): Promise<{ title: string; dashboards: number }[]> {
  return (await get<{ folders: { title: string; dashboards: number }[] | null }>('/touchline/v1/folders', { signal })).folders ?? [];
}

export async function readDashboard(uid: string, signal?: AbortSignal): Promise<Kept> {
  const { body, etag } = await call<{ dashboard: DashboardJSON; meta: DashboardDetail }>(at(uid), { signal });
  return { ...body, etag: etag ?? `"${body.meta.version}"` };
}

export interface NewDashboard {
  dashboard: DashboardJSON;
  folder?: string;
  message?: string;
  overwrite?: boolean;
  /** What stands for the inputs of an export, such as {DS_PROMETHEUS: "touchline"}. */
  inputs?: Record<string, string>;
}

export async function importDashboard(body: NewDashboard): Promise<Saved> {
  return (await call<Saved>(root, { method: 'POST', json: body })).body;
}

export async function saveDashboard(uid: string, ifMatch: string, body: { dashboard: DashboardJSON; folder?: string; message?: string }): Promise<Saved> {
  return (await call<Saved>(at(uid), { method: 'PUT', json: body, ifMatch })).body;
}

/** deleteDashboard deletes that version; somebody else's newer one stays. */
export async function deleteDashboard(uid: string, version: number): Promise<void> {
  await call<unknown>(at(uid), { method: 'DELETE', ifMatch: `"${version}"` });
}

export async function star(uid: string, on: boolean): Promise<void> {
  await call<unknown>(`${at(uid)}/star`, { method: on ? 'PUT' : 'DELETE' });
}

export async function versions(uid: string, signal?: AbortSignal): Promise<Version[]> {
  return (await get<{ versions: Version[] | null }>(`${at(uid)}/versions`, { signal })).versions ?? [];
}

export async function readVersion(uid: string, version: number, signal?: AbortSignal): Promise<DashboardJSON> {
  return (await get<{ dashboard: DashboardJSON }>(`${at(uid)}/versions/${version}`, { signal })).dashboard;
}

export async function restore(uid: string, ifMatch: string, version: number): Promise<Saved> {
  return (await call<Saved>(`${at(uid)}/restore`, { method: 'POST', json: { version }, ifMatch })).body;
}

export async function makePatch(uid: string, dashboard: DashboardJSON): Promise<{ patch: Operation[]; diff: string; /** Where the paths of the diff begin, on the server. */ folder?: string }> {
  return (await call<{ patch: Operation[]; diff: string; folder?: string }>(`${at(uid)}/patch`, { method: 'POST', json: { dashboard } })).body;
}

export async function shares(uid: string, signal?: AbortSignal): Promise<Share[]> {
  return (await get<{ shares: Share[] | null }>(`${at(uid)}/share`, { signal })).shares ?? [];
}

export async function share(uid: string, expires: Date): Promise<Share & { url: string; token: string }> {
  return (await call<Share & { url: string; token: string }>(`${at(uid)}/share`, { method: 'POST', json: { expires_at: expires.toISOString() } })).body;
}

export async function revokeShare(uid: string, id: string): Promise<void> {
  await call<unknown>(`${at(uid)}/share/${encodeURIComponent(id)}`, { method: 'DELETE' });
}

/** dataSources lists where queries can go. Who has only a link to one dashboard reads the names, and is refused by all but this server. */
export async function dataSources(signal?: AbortSignal): Promise<DataSource[]> {
  return (await get<{ datasources: DataSource[] | null }>('/touchline/v1/datasources', { signal })).datasources ?? [];
}
