import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap, insertNewlineAndIndent } from '@codemirror/commands';
import { bracketMatching, HighlightStyle, indentOnInput, syntaxHighlighting } from '@codemirror/language';
import { type Diagnostic, linter, lintKeymap } from '@codemirror/lint';
import { Compartment, EditorState, Prec } from '@codemirror/state';
import { EditorView, keymap, placeholder } from '@codemirror/view';
import { tags } from '@lezer/highlight';
import { PromQLExtension } from '@prometheus-io/codemirror-promql';
import { type ReactNode, useEffect, useRef } from 'react';

import { extraHeaders } from '../api/client';
import { parseQuery } from '../api/explore';
import { promRoot } from '../api/prometheus';
import { prefix, styleNonce } from '../app/base';
import { errorAt } from './promqlError';

export interface PromQLEditorProps {
  value: string;
  onChange: (value: string) => void;
  /** Ctrl+Enter, or Enter by itself; where it is left out, Enter begins a line. */
  onRun?: () => void;
  /** Whether the server says what does not parse. */
  lint?: boolean;
  datasource?: string;
  label: string;
  hint?: string;
  /** What the server is asked about in place of the text, such as with variables filled in. */
  expand?: (text: string) => string;
}

const highlight = HighlightStyle.define([
  { tag: tags.variableName, color: 'var(--text)' },
  { tag: [tags.keyword, tags.modifier, tags.operatorKeyword], color: 'var(--info)' },
  { tag: [tags.function(tags.variableName)], color: 'var(--info)' },
  { tag: [tags.number, tags.literal], color: 'var(--warning)' },
  { tag: tags.string, color: 'var(--accent)' },
  { tag: tags.labelName, color: 'var(--muted)' },
  { tag: tags.comment, color: 'var(--muted)', fontStyle: 'italic' },
  { tag: tags.invalid, color: 'var(--critical)' },
]);

const look = EditorView.theme({
  '&': { fontSize: '12.5px', backgroundColor: 'var(--surface)', border: '1px solid var(--line)', borderRadius: '6px', color: 'var(--text)' },
  '&.cm-focused': { outline: '2px solid var(--accent)', outlineOffset: '-1px' },
  '.cm-content': { fontFamily: 'var(--mantine-font-family-monospace)', padding: '6px 4px', caretColor: 'var(--text)' },
  '.cm-scroller': { maxHeight: '220px', overflow: 'auto', fontFamily: 'inherit' },
  '.cm-placeholder': { color: 'var(--muted)' },
  '.cm-tooltip': { backgroundColor: 'var(--surface)', border: '1px solid var(--line)', borderRadius: '6px', color: 'var(--text)', zIndex: '210' },
  '.cm-tooltip.cm-tooltip-autocomplete > ul': { fontFamily: 'var(--mantine-font-family-monospace)', fontSize: '12px', maxHeight: '260px' },
  '.cm-tooltip.cm-tooltip-autocomplete > ul > li[aria-selected]': { backgroundColor: 'var(--good-soft)', color: 'var(--text)' },
  '.cm-completionDetail': { color: 'var(--muted)', fontStyle: 'normal' },
  '.cm-completionInfo': { maxWidth: '320px', padding: '6px 8px' },
  '.cm-completionIcon': { display: 'none' },
  '.cm-diagnostic': { padding: '4px 8px' },
  '.cm-matchingBracket, &.cm-focused .cm-matchingBracket': { backgroundColor: 'var(--good-soft)', outline: '1px solid var(--accent)' },
  '.cm-selectionBackground, &.cm-focused .cm-selectionBackground': { backgroundColor: 'var(--info-soft) !important' },
});

// Asked with everything that our own requests carry. A completion that fails is none.
const client = (datasource?: string): PromQLExtension =>
  new PromQLExtension()
    .activateLinter(false)
    .setComplete({
      remote: {
        url: prefix, apiPrefix: promRoot(datasource), lookbackInterval: 12 * 3_600_000,
        fetchFn: (input, init) => fetch(input, { ...init, headers: { ...Object.fromEntries(new Headers(init?.headers)), ...extraHeaders }, credentials: 'same-origin' }),
      },
      maxMetricsMetadata: 10_000,
    });

/** PromQLEditor is a field for an expression that knows the server's metrics, labels and opinion. Heavy: import it lazily. */
export function PromQLEditor(p: PromQLEditorProps): ReactNode {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | undefined>(undefined);
  const props = useRef(p);
  props.current = p;
  const language = useRef(new Compartment());

  useEffect(() => {
    const run = (): boolean => {
      props.current.onRun?.();
      return props.current.onRun !== undefined;
    };
    const v = new EditorView({
      parent: host.current!,
      state: EditorState.create({
        doc: props.current.value,
        extensions: [
          EditorView.cspNonce.of(styleNonce()),
          history(), indentOnInput(), bracketMatching(), closeBrackets(), autocompletion({ icons: false }), EditorView.lineWrapping,
          syntaxHighlighting(highlight), look,
          Prec.highest(keymap.of([{ key: 'Mod-Enter', run }, { key: 'Shift-Enter', run: insertNewlineAndIndent }])),
          // Tab is left to move on, as keyboards without a mouse need it to.
          keymap.of([...closeBracketsKeymap, ...completionKeymap, { key: 'Enter', run }, ...defaultKeymap, ...historyKeymap, ...lintKeymap]),
          language.current.of([]),
          linter(async (at): Promise<Diagnostic[]> => {
            const text = at.state.doc.toString();
            if (props.current.lint === false || text.trim() === '') return [];
            try {
              await parseQuery(props.current.expand?.(text) ?? text);
              return [];
            } catch (error) {
              const found = errorAt(error instanceof Error ? error.message : '', text);
              return found ? [{ ...found, severity: 'error' }] : [];
            }
          }, { delay: 500 }),
          placeholder(props.current.hint ?? ''),
          EditorView.contentAttributes.of({ 'aria-label': props.current.label, spellcheck: 'false', autocapitalize: 'off' }),
          EditorView.updateListener.of((u) => {
            if (u.docChanged) props.current.onChange(u.state.doc.toString());
          }),
        ],
      }),
    });
    view.current = v;
    return () => v.destroy();
  }, []);

  useEffect(() => {
    const promql = client(p.datasource);
    view.current?.dispatch({ effects: language.current.reconfigure(promql.asExtension()) });
    return () => promql.destroy();
  }, [p.datasource]);

  useEffect(() => {
    const v = view.current;
    if (v && v.state.doc.toString() !== p.value) v.dispatch({ changes: { from: 0, to: v.state.doc.length, insert: p.value } });
  }, [p.value]);

  return <div ref={host} style={{ minWidth: 0 }} />;
}
