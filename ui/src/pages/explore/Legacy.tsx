import { Navigate, useSearch } from '@tanstack/react-router';
import type { ReactNode } from 'react';

import { fromLegacy } from './address';

/** Legacy takes links that were made for Prometheus's own graph page. */
export function Legacy(): ReactNode {
  const search = useSearch({ strict: false }) as Record<string, unknown>;
  return <Navigate {...({ to: '/explore', search: fromLegacy(search), replace: true } as never as { to: '/' })} />;
}
