import { type LinkProps, useNavigate, useSearch } from '@tanstack/react-router';
import { useCallback } from 'react';

import { keepTime } from '../app/Frame';

/** useAddress is the address's query as texts, and a way to change parts of it; "" and undefined leave a part out. */
export function useAddress(): { value: (name: string) => string; change: (by: Record<string, string | undefined>) => void } {
  const search = useSearch({ strict: false }) as Record<string, unknown>;
  const navigate = useNavigate();
  const change = useCallback(
    (by: Record<string, string | undefined>) =>
      void navigate({
        to: '.', replace: true,
        search: (old: Record<string, unknown>) => ({ ...old, ...Object.fromEntries(Object.entries(by).map(([k, v]) => [k, v === '' ? undefined : v])) }),
      } as never),
    [navigate],
  );
  const value = (name: string): string => {
    const v = search[name];
    const one = Array.isArray(v) ? (v as unknown[])[0] : v;
    return one === undefined || one === null ? '' : String(one);
  };
  return { value, change };
}

/** below is what a link to a page below /ui takes. */
export function below(to: string): LinkProps {
  const [path, query] = to.split('?', 2);
  const search = query ? Object.fromEntries(new URLSearchParams(query)) : {};
  return { to: path, search: (old: Record<string, unknown>) => ({ ...keepTime(old), ...search }) } as never;
}
