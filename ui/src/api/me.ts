import { useQuery, useQueryClient } from '@tanstack/react-query';

import { ApiError, byLink, call, get, whoPath } from './client';

export type Access = 'read' | 'ingest' | 'respond' | 'change' | 'admin';

export interface Me {
  name: string;
  method: 'anonymous' | 'session' | 'token' | 'basic' | 'certificate';
  may: Access[];
  session?: string;
  user?: { name: string; role: string; display_name?: string; email?: string; language?: '' | 'en' | 'zh'; version: number };
}

export const me = (signal?: AbortSignal): Promise<Me> => get(whoPath, { signal });

/** Whoever has not signed in where everybody must. */
export const nobody: Me = { name: '', method: 'anonymous', may: [] };

/**
 * whoNow is who somebody is after an error: nobody where the server refuses to
 * say. Who was known before stays, so that no form vanishes when a session ends.
 */
export function whoNow(error: unknown, known: Me | undefined): Me {
  if (error instanceof ApiError && error.unauthorized && (known === undefined || known.method === 'anonymous')) return nobody;
  throw error;
}

export async function signOut(): Promise<void> {
  await call<unknown>('/touchline/v1/logout', { method: 'POST' });
}

/** useMe is who looks at the page, and what they may do. */
export function useMe(): { me: Me | undefined; may: (a: Access) => boolean; error: Error | null; retry: () => void } {
  const client = useQueryClient();
  const { data, error, refetch } = useQuery({
    queryKey: ['me'],
    queryFn: ({ signal }) => me(signal).catch((e: unknown) => whoNow(e, client.getQueryData<Me>(['me']))),
    staleTime: 60_000, enabled: !byLink(),
  });
  const who = byLink() ? nobody : data;
  return { me: who, may: (a) => who?.may.includes(a) ?? false, error, retry: () => void refetch() };
}
