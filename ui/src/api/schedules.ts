import { call, get } from './client';

export interface Schedule {
  name: string;
  time_zone: string;
  on_call: string[] | null;
  next?: string;
  next_hand_over?: string;
}

export interface Shift {
  person: string;
  from: string;
  to: string;
  override?: boolean;
}

export interface Override {
  id: number;
  schedule: string;
  person: string;
  from: string;
  to: string;
  by: string;
}

const root = '/touchline/v1/schedules';
const of = (name: string): string => `${root}/${encodeURIComponent(name)}`;

export const schedules = async (signal?: AbortSignal): Promise<Schedule[]> => (await get<{ schedules: Schedule[] | null }>(root, { signal })).schedules ?? [];
export const shifts = async (name: string, from: Date, to: Date, signal?: AbortSignal): Promise<Shift[]> =>
  (await get<{ shifts: Shift[] | null }>(`${of(name)}/shifts`, { params: { from: from.toISOString(), to: to.toISOString() }, signal })).shifts ?? [];
export const overrides = async (name: string, signal?: AbortSignal): Promise<Override[]> => (await get<{ overrides: Override[] | null }>(`${of(name)}/overrides`, { signal })).overrides ?? [];

export async function addOverride(name: string, o: { person: string; from: string; to: string }): Promise<Override> {
  return (await call<Override>(`${of(name)}/overrides`, { json: o })).body;
}

export async function dropOverride(name: string, id: number): Promise<void> {
  await call<unknown>(`${of(name)}/overrides/${id}`, { method: 'DELETE' });
}

export async function calendarLink(name: string, person: string, lang: 'en' | 'zh'): Promise<{ path: string; expires: string }> {
  return (await call<{ path: string; expires: string }>(`${of(name)}/calendar-link`, { json: { lang, ...(person ? { person } : {}) } })).body;
}
