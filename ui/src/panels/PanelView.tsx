import './panels.css';

import { Component, type ErrorInfo, memo, type ReactNode, Suspense, useId, useMemo, useState } from 'react';

import { useT } from '../i18n';
import { Icon } from '../ui/icons';
import { frameTexts as m } from './chrome';
import type { BodyProps, Mark, PanelSpec, PanelState, PanelViewProps } from './contract';
import { linkProps } from './links';
import { registry, tableOfData } from './registry';

/** How high the line of the title is, in pixels. */
export const headHeight = 32;
const padding = 8;
const noMarks: Mark[] = [];
const asIs = (text: string): string => text;

/** hasData tells whether there is anything to draw. */
export function hasData(frames: readonly { length: number; fields: readonly unknown[] }[]): boolean {
  return frames.some((f) => f.length > 0 && f.fields.length > 0);
}

/** stateOf is what the panel's element says of itself. */
export function stateOf(p: Pick<PanelViewProps, 'state' | 'frames'> & { panel: Pick<PanelSpec, 'type'> }): PanelState {
  const known = registry.get(p.panel.type);
  const data = hasData(p.frames);
  if (known?.standsAlone) return 'data';
  if (p.state === 'error' && !data) return 'error';
  if (p.state === 'loading' && !data) return 'loading';
  if (!known) return 'unsupported';
  return data ? 'data' : 'empty';
}

/** PanelView is a panel of a dashboard: its title, its state and its drawing. */
export const PanelView = memo(function PanelView(p: PanelViewProps): ReactNode {
  const t = useT();
  const headId = useId();
  const { panel } = p;
  const state = stateOf(p);
  const replace = p.replace ?? asIs;
  const title = replace(panel.title ?? '', 'text');
  const [failure, setFailure] = useState<string>();
  if (panel.type === 'row') {
    return (
      <section className="panel-row" data-panel-id={panel.id} data-panel-type="row" data-panel-state="data">
        <h2>{title}</h2>
        {p.actions}
      </section>
    );
  }
  const warnings = p.warnings ?? [];
  const stale = p.state === 'error' && state !== 'error' && p.error ? t(m.stale, { error: p.error }) : undefined;
  const notes = stale ? [stale, ...warnings] : warnings;
  const links = (panel.links ?? []).slice(0, 20).flatMap((l) => {
    const props = linkProps(replace(l.url ?? ''), l.targetBlank);
    return props ? [{ ...props, title: replace(l.title || l.url, 'text') }] : [];
  });
  const bare = title === '' && !panel.description && links.length === 0 && notes.length === 0 && !p.hint && !p.actions;
  const width = Math.max(0, p.width - 2 * padding - 2);
  const height = Math.max(0, p.height - (bare ? padding : headHeight) - padding - 2);
  const shown: PanelState = failure === undefined ? state : 'error';
  return (
    <section className="panel" data-panel-id={panel.id} data-panel-type={panel.type} data-panel-state={shown} data-transparent={panel.transparent ? true : undefined}
      aria-labelledby={bare ? undefined : headId} aria-label={bare ? t(m.panel, { id: panel.id }) : undefined} style={{ width: p.width, height: p.height }}>
      {p.state === 'loading' && state !== 'loading' && <div className="panel-busy" role="status" aria-label={t(m.refreshing)} />}
      {!bare && (
        <header className="panel-head">
          <h3 id={headId} className="ellipsis" title={title}>{title || <span className="sr-only">{t(m.panel, { id: panel.id })}</span>}</h3>
          {panel.description && <Info label={t(m.description)} text={replace(panel.description, 'text')} />}
          {notes.length > 0 && <Info tone="warning" label={t(m.warnings, { n: notes.length })} text={notes.slice(0, 20).join('\n')} />}
          {p.hint && <span className="muted panel-hint">{p.hint}</span>}
          <span className="panel-end">
            {links.map((l) => <a key={l.href + l.title} href={l.href} target={l.target} rel={l.rel} className="panel-link" title={l.title} aria-label={l.title}><Icon name="link" size={14} /></a>)}
            {p.actions}
          </span>
        </header>
      )}
      <div className="panel-body" style={{ width, height, padding: `${bare ? padding : 0}px ${padding}px ${padding}px` }}>
        <Guard key={panel.type} resetOn={p.frames} onFail={setFailure} note={(error) => <Problem title={t(m.notDrawn)} text={error} height={height} />}>
          <Content {...p} replace={replace} state={state} width={width} height={height} />
        </Guard>
      </div>
    </section>
  );
});

function Content(p: Omit<PanelViewProps, 'state' | 'replace'> & { state: PanelState; replace: BodyProps['replace'] }): ReactNode {
  const t = useT();
  const { state, panel, frames, range, zone, mode, width, height, replace, annotations, onZoom, sync, syncTips, onFilter } = p;
  const waiting = <div className="skeleton" style={{ height }} role="status" aria-label={t(m.loading)} />;
  // A drawing is made anew only when something that it draws is another.
  const body = useMemo<BodyProps>(
    () => ({ panel, frames, range, zone, mode, width, height, replace, marks: annotations ?? noMarks, onZoom, sync, syncTips, onFilter }),
    [panel, frames, range, zone, mode, width, height, replace, annotations, onZoom, sync, syncTips, onFilter],
  );
  if (width < 8 || height < 8) return null;
  switch (state) {
    case 'loading':
      return waiting;
    case 'error':
      return <Problem title={t(m.failed)} text={p.error ?? ''} height={height} action={p.onRetry && <button type="button" className="panel-button" onClick={p.onRetry}>{t(m.again)}</button>} />;
    case 'empty':
      return (
        <div className="panel-empty hatched" style={{ height }}>
          <b>{p.unasked ? t(m.unasked) : noValueOf(panel) ?? t(m.empty)}</b>
          {height > 90 && <span>{t(p.unasked ? m.unaskedHint : m.emptyHint)}</span>}
        </div>
      );
    default: {
      const { body: Body } = registry.get(panel.type) ?? tableOfData;
      return <Suspense fallback={waiting}><Body {...body} /></Suspense>;
    }
  }
}

function noValueOf(panel: PanelSpec): string | undefined {
  const v = panel.fieldConfig?.defaults?.noValue;
  return typeof v === 'string' && v !== '' ? v : undefined;
}

function Problem({ title, text, height, action }: { title: string; text: string; height: number; action?: ReactNode }): ReactNode {
  return (
    <div className="panel-problem" role="alert" style={{ maxHeight: height }}>
      <span className="state" data-tone="critical"><Icon name="critical" size={14} />{title}</span>
      <span className="panel-problem-text">{text.slice(0, 2000)}</span>
      {action}
    </div>
  );
}

function Info({ label, text, tone }: { label: string; text: string; tone?: 'warning' }): ReactNode {
  const id = useId();
  const [open, setOpen] = useState(false);
  return (
    <span className="panel-info" onMouseEnter={() => setOpen(true)} onMouseLeave={() => setOpen(false)}>
      <button type="button" className="panel-dot" data-tone={tone} aria-label={label} aria-expanded={open} aria-describedby={open ? id : undefined}
        onFocus={() => setOpen(true)} onBlur={() => setOpen(false)} onKeyDown={(e) => { if (e.key === 'Escape') setOpen(false); }}>
        <Icon name={tone === 'warning' ? 'warning' : 'info'} size={13} />
      </button>
      {open && <span className="panel-tip panel-info-text" role="tooltip" id={id}>{text}</span>}
    </span>
  );
}

interface GuardProps {
  children: ReactNode;
  resetOn: unknown;
  onFail: (error: string | undefined) => void;
  note: (error: string) => ReactNode;
}

/** Guard keeps what goes wrong in a drawing from its neighbours, and tries again with the next data. */
class Guard extends Component<GuardProps, { error?: string }> {
  override state: { error?: string } = {};

  static getDerivedStateFromError(error: unknown): { error: string } {
    return { error: error instanceof Error ? error.message : String(error) };
  }

  override componentDidCatch(error: Error, info: ErrorInfo): void {
    console.error('draw panel:', error, info.componentStack);
    this.props.onFail(error.message);
  }

  override componentDidUpdate(before: GuardProps): void {
    if (this.state.error !== undefined && before.resetOn !== this.props.resetOn) {
      this.setState({ error: undefined });
      this.props.onFail(undefined);
    }
  }

  override render(): ReactNode {
    return this.state.error === undefined ? this.props.children : this.props.note(this.state.error);
  }
}
