import { Textarea } from '@mantine/core';
import { type ReactNode, useEffect, useRef, useState } from 'react';

import type { Editor } from './promqlEditor';

export interface PromQLInputProps {
  value: string;
  onChange: (value: string) => void;
  /** For screen readers. */
  label: string;
  placeholder?: string;
  /** The uid of the data source whose names complete what is typed; this server's own where there is none. */
  datasource?: string;
  readOnly?: boolean;
  /** Marks what does not parse. Off where variables of a dashboard may stand in the text. */
  lint?: boolean;
  /** Enter runs, Shift+Enter begins a line; where it is left out, Enter begins one. */
  onRun?: () => void;
}

/** PromQLInput takes a PromQL expression. It is a plain field until the editor has been loaded, and stays one where that fails. */
export function PromQLInput(p: PromQLInputProps): ReactNode {
  const { value, label, placeholder = '', datasource, readOnly = false, lint = false } = p;
  const box = useRef<HTMLDivElement>(null);
  const area = useRef<HTMLTextAreaElement>(null);
  const editor = useRef<Editor | undefined>(undefined);
  const latest = useRef(p);
  latest.current = p;
  const [loaded, setLoaded] = useState(false);
  useEffect(() => {
    let gone = false;
    void import('./promqlEditor').then(({ createEditor }) => {
      if (gone || !box.current) return;
      const typing = document.activeElement === area.current;
      editor.current = createEditor({
        parent: box.current, value: latest.current.value, label, placeholder, datasource: latest.current.datasource, readOnly, lint,
        onChange: (v) => latest.current.onChange(v),
        onEnter: () => {
          latest.current.onRun?.();
          return latest.current.onRun !== undefined;
        },
      });
      setLoaded(true);
      if (typing) editor.current.focus();
    }, () => {}); // the plain field does
    return () => {
      gone = true;
      editor.current?.destroy();
      editor.current = undefined;
      setLoaded(false);
    };
  }, [label, placeholder, readOnly, lint]);
  useEffect(() => editor.current?.set(value), [value]);
  useEffect(() => editor.current?.setDatasource(datasource), [datasource]);
  return (
    <>
      <div ref={box} hidden={!loaded} />
      {!loaded && (
        <Textarea ref={area} aria-label={label} placeholder={placeholder} value={value} readOnly={readOnly} autosize minRows={1} maxRows={10} spellCheck={false}
          styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }}
          onChange={(e) => p.onChange(e.currentTarget.value)}
          onKeyDown={(e) => {
            if (e.key === 'Enter' && !e.shiftKey && p.onRun) {
              e.preventDefault();
              p.onRun();
            }
          }} />
      )}
    </>
  );
}
