import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';

import { type Backend, status } from '../api/status';
import { type Message, useT } from '../i18n';
import { Notice } from './parts';

/** useBackend tells which server stands in for an engine, undefined while it is this process itself. */
export function useBackend(engine: Backend['engine']): Backend | undefined {
  const { data } = useQuery({ queryKey: ['status'], queryFn: ({ signal }) => status(signal), staleTime: 5000 });
  return data?.backends?.find((b) => b.engine === engine);
}

/** Elsewhere says what a page cannot show because another server stands in for an engine; {url} in the text is where that is. */
export function Elsewhere({ engine, text }: { engine: Backend['engine']; text: Message }): ReactNode {
  const t = useT();
  const backend = useBackend(engine);
  return backend && <div style={{ marginBottom: 12 }}><Notice tone="info">{t(text, { url: backend.url })}</Notice></div>;
}
