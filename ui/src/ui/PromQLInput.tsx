import { Textarea } from '@mantine/core';
import { lazy, type ReactNode, Suspense } from 'react';

export interface PromQLInputProps {
  value: string;
  onChange: (value: string) => void;
  /** For screen readers. */
  label: string;
  /** The uid of the data source whose names complete what is typed; this server's own where there is none. */
  datasource?: string;
}

function Plain(p: PromQLInputProps): ReactNode {
  return (
    <Textarea aria-label={p.label} value={p.value} autosize minRows={1} maxRows={10} spellCheck={false} styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }}
      onChange={(e) => p.onChange(e.currentTarget.value)} />
  );
}

// A plain field stands in until the editor has been loaded, and where that fails.
const Editor = lazy(() =>
  import('./PromQLEditor').then(
    ({ PromQLEditor }) => ({ default: (p: PromQLInputProps) => <PromQLEditor {...p} lint={false} /> }),
    () => ({ default: Plain }),
  ),
);

/** PromQLInput takes an expression of a dashboard, in which variables may stand, so that the server is not asked whether it parses. */
export function PromQLInput(p: PromQLInputProps): ReactNode {
  return <Suspense fallback={<Plain {...p} />}><Editor {...p} /></Suspense>;
}
