import { useQuery } from '@tanstack/react-query';

import { call, get } from './client';

export type Access = 'read' | 'ingest' | 'respond' | 'change' | 'admin';

export interface Me {
  name: string;
  method: 'anonymous' | 'session' | 'token' | 'basic' | 'certificate';
  may: Access[];
  session?: string;
  user?: { name: string; role: string; display_name?: string; email?: string; language?: '' | 'en' | 'zh'; version: number };
}

export const me = (signal?: AbortSignal): Promise<Me> => get('/touchline/v1/me', { signal });

export async function signOut(): Promise<void> {
  await call<unknown>('/touchline/v1/logout', { method: 'POST' });
}

/** useMe is who looks at the page, and what they may do. */
export function useMe(): { me: Me | undefined; may: (a: Access) => boolean } {
  const { data } = useQuery({ queryKey: ['me'], queryFn: ({ signal }) => me(signal), staleTime: 60_000 });
  return { me: data, may: (a) => data?.may.includes(a) ?? false };
}
