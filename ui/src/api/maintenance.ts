import { call, get } from './client';
import type { Labels } from './prometheus';

export interface MaintenanceWindow {
  /** Windows of the file have none. */
  id?: number;
  name: string;
  matchers: string[] | null;
  source: 'api' | 'file';
  time_zone: string;
  start: string;
  duration_seconds: number;
  rrule?: string;
  comment?: string;
  created_by?: string;
  active: boolean;
  ends?: string;
  next?: string;
  ended_at?: string;
  version?: number;
}

export interface NewWindow {
  name: string;
  matchers: string[];
  duration_seconds: number;
  start?: string;
  time_zone?: string;
  rrule?: string;
  comment?: string;
}

export interface Deployment {
  id: number;
  title: string;
  at: string;
  ended?: string;
  failed?: boolean;
  actor?: string;
  labels?: Labels;
}

export const windows = async (ended: boolean, signal?: AbortSignal): Promise<MaintenanceWindow[]> =>
  (await get<{ windows: MaintenanceWindow[] | null }>('/touchline/v1/maintenance', { params: { ended }, signal })).windows ?? [];

export async function addWindow(w: NewWindow): Promise<MaintenanceWindow> {
  return (await call<MaintenanceWindow>('/touchline/v1/maintenance', { json: w })).body;
}

export async function endWindow(id: number): Promise<void> {
  await call<unknown>(`/touchline/v1/maintenance/${id}/end`, { method: 'POST' });
}

export const deployments = async (from: Date, to: Date, signal?: AbortSignal): Promise<Deployment[]> =>
  (await get<{ deployments: Deployment[] | null }>('/touchline/v1/deployments', { params: { from: from.toISOString(), to: to.toISOString() }, signal })).deployments ?? [];

export async function addDeployment(d: { title: string; labels?: Labels; ended?: string }): Promise<Deployment> {
  return (await call<Deployment>('/touchline/v1/deployments', { json: d })).body;
}

export async function endDeployment(id: number, failed: boolean): Promise<void> {
  await call<unknown>(`/touchline/v1/deployments/${id}/end`, { json: { failed } });
}
