// CodeMirror with PromQL: a chunk of its own, loaded by PromQLInput.
import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap, insertNewlineAndIndent } from '@codemirror/commands';
import { bracketMatching, HighlightStyle, syntaxHighlighting } from '@codemirror/language';
import { lintKeymap } from '@codemirror/lint';
import { Compartment, EditorState, Prec } from '@codemirror/state';
import { EditorView, keymap, placeholder as placeholderOf } from '@codemirror/view';
import { tags } from '@lezer/highlight';
import { PromQLExtension } from '@prometheus-io/codemirror-promql';

import { extraHeaders } from '../api/client';
import { promRoot } from '../api/prometheus';
import { prefix, styleNonce } from '../app/base';

export interface EditorOptions {
  parent: HTMLElement;
  value: string;
  label: string;
  placeholder: string;
  datasource?: string;
  readOnly: boolean;
  /** Whether unknown names are marked; not where variables of a dashboard stand in the text. */
  lint: boolean;
  onChange: (value: string) => void;
  /** Enter, while Shift+Enter begins a line; undefined lets Enter begin one too. */
  onEnter: () => boolean;
}

export interface Editor {
  set: (value: string) => void;
  setDatasource: (uid: string | undefined) => void;
  focus: () => void;
  destroy: () => void;
}

const look = EditorView.theme({
  '&': { border: '1px solid var(--line)', borderRadius: '6px', background: 'var(--surface)', color: 'var(--text)', fontSize: '12px' },
  '&.cm-focused': { outline: '2px solid var(--accent)', outlineOffset: '-1px' },
  '.cm-scroller': { fontFamily: 'var(--mantine-font-family-monospace)', maxHeight: '240px', minHeight: '30px' },
  '.cm-content': { padding: '6px 4px', caretColor: 'var(--text)' },
  '.cm-placeholder': { color: 'var(--muted)' },
  '.cm-cursor': { borderLeftColor: 'var(--text)' },
  '&.cm-focused .cm-selectionBackground, .cm-selectionBackground': { background: 'var(--info-soft) !important' },
  '&.cm-focused .cm-matchingBracket': { background: 'var(--good-soft)', outline: '1px solid var(--good)' },
  '.cm-tooltip': { background: 'var(--surface)', color: 'var(--text)', border: '1px solid var(--line)', borderRadius: '6px', zIndex: '400' },
  '.cm-tooltip-autocomplete > ul': { fontFamily: 'var(--mantine-font-family-monospace)', fontSize: '12px' },
  '.cm-tooltip-autocomplete > ul > li[aria-selected]': { background: 'var(--good-soft)', color: 'var(--text)' },
  '.cm-completionDetail': { color: 'var(--muted)', marginLeft: '8px' },
  '.cm-completionMatchedText': { textDecoration: 'none', fontWeight: '600' },
  '.cm-diagnostic-error': { borderLeftColor: 'var(--critical)' },
});

const colours = HighlightStyle.define([
  { tag: [tags.number, tags.string], color: 'var(--good)' },
  { tag: [tags.keyword, tags.modifier, tags.operatorKeyword], color: 'var(--critical)' },
  { tag: [tags.labelName], color: 'var(--info)' },
  { tag: [tags.function(tags.variableName), tags.name], color: 'var(--text)' },
  { tag: [tags.lineComment, tags.comment], color: 'var(--muted)' },
  { tag: [tags.invalid], color: 'var(--critical)', textDecoration: 'underline' },
]);

/** How many series completion reads of one metric. */
const mostSeries = 10_000;

function language(datasource: string | undefined, lint: boolean): PromQLExtension {
  return new PromQLExtension().activateLinter(lint).setComplete({
    remote: {
      url: '',
      apiPrefix: prefix + promRoot(datasource),
      httpMethod: 'GET',
      fetchFn: (input: RequestInfo, init?: RequestInit) => fetch(input, { ...init, credentials: 'same-origin', headers: { ...extraHeaders } }),
      cache: { maxAge: 60_000 },
      // A server that does not answer must not fill the console with complaints: the text can still be written.
      httpErrorHandler: () => {},
    },
    maxMetricsMetadata: mostSeries,
  });
}

export function createEditor(o: EditorOptions): Editor {
  const promql = new Compartment();
  let quiet = false;
  const view = new EditorView({
    parent: o.parent,
    state: EditorState.create({
      doc: o.value,
      extensions: [
        EditorView.cspNonce.of(styleNonce()),
        look, syntaxHighlighting(colours), history(), bracketMatching(), closeBrackets(), autocompletion({ icons: false }), EditorView.lineWrapping,
        EditorState.readOnly.of(o.readOnly), placeholderOf(o.placeholder),
        EditorView.contentAttributes.of({ 'aria-label': o.label, spellcheck: 'false', autocapitalize: 'off' }),
        promql.of(language(o.datasource, o.lint).asExtension()),
        // Below completion, whose Enter takes what is chosen.
        keymap.of([...completionKeymap, ...closeBracketsKeymap]),
        Prec.low(keymap.of([{ key: 'Enter', run: () => o.onEnter() }, { key: 'Shift-Enter', run: insertNewlineAndIndent }, { key: 'Mod-Enter', run: () => o.onEnter() }])),
        Prec.lowest(keymap.of([...defaultKeymap, ...historyKeymap, ...lintKeymap])),
        EditorView.updateListener.of((u) => { if (u.docChanged && !quiet) o.onChange(u.state.doc.toString()); }),
      ],
    }),
  });
  return {
    set: (value) => {
      if (value === view.state.doc.toString()) return;
      quiet = true;
      view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: value } });
      quiet = false;
    },
    setDatasource: (uid) => view.dispatch({ effects: promql.reconfigure(language(uid, o.lint).asExtension()) }),
    focus: () => view.focus(),
    destroy: () => view.destroy(),
  };
}
