import { Button } from '@mantine/core';
import type { ReactNode } from 'react';

import { ApiError } from '../api/client';
import type { Labels } from '../api/prometheus';
import { prefix } from '../app/base';
import { useLanguage, useT } from '../i18n';
import { useSaid } from '../i18n/useSaid';
import { type Tone, toneIcon } from './tone';
import { ago, span } from './format';
import { Icon } from './icons';

const m = {
  loading: { en: 'Loading', zh: '正在加载' },
  again: { en: 'Try again', zh: '重试' },
  signIn: { en: 'Sign in', zh: '登录' },
  failed: { en: 'This could not be read', zh: '无法读取' },
  unreachable: { en: 'The server does not answer. What is shown may be old; it is asked again by itself.', zh: '服务器没有响应。显示的内容可能已过时；将自动重试。' },
};

/** Page is the frame of every page: its name, one sentence that answers first, and what can be done. */
export function Page({ title, sentence, actions, children, bare }: { title: ReactNode; sentence?: ReactNode; actions?: ReactNode; children?: ReactNode; bare?: boolean }): ReactNode {
  return (
    <>
      <div className="page-head">
        {!bare && <h1>{title}</h1>}
        {actions && <div className="page-actions">{actions}</div>}
        {sentence && <p className="page-sentence" role="status">{sentence}</p>}
      </div>
      {children}
    </>
  );
}

/** Card is a titled surface. columns is its width of twelve. */
export function Card({ title, actions, columns, children, flush }: { title?: ReactNode; actions?: ReactNode; columns?: number; children: ReactNode; flush?: boolean }): ReactNode {
  return (
    <section className="card" style={columns ? { gridColumn: `span ${columns}` } : undefined}>
      {(title || actions) && (
        <div className="card-head">
          {title && <h2 className="ellipsis">{title}</h2>}
          {actions && <div style={{ marginLeft: 'auto', display: 'flex', gap: 8 }}>{actions}</div>}
        </div>
      )}
      <div className={flush ? undefined : 'card-body'}>{children}</div>
    </section>
  );
}

/** StateMark says a state by icon, word and colour at once. */
export function StateMark({ tone, children }: { tone: Tone; children: ReactNode }): ReactNode {
  return (
    <span className="state" data-tone={tone}>
      <Icon name={toneIcon[tone]} size={14} />
      {children}
    </span>
  );
}

/** Loading keeps the room of what comes. */
export function Loading({ height = 80 }: { height?: number }): ReactNode {
  const t = useT();
  return <div className="skeleton" style={{ height }} role="status" aria-label={t(m.loading)} />;
}

/** Empty says why there is nothing, and the one thing that changes that. */
export function Empty({ title, children, action }: { title: ReactNode; children?: ReactNode; action?: ReactNode }): ReactNode {
  return (
    <div className="empty">
      <h3>{title}</h3>
      {children}
      {action}
    </div>
  );
}

/** errorText is what an error tells the reader. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Failed says what went wrong, and offers what may help. what is its head, where nothing was to be read. */
export function Failed({ error, retry, what }: { error: unknown; retry?: () => void; what?: ReactNode }): ReactNode {
  const t = useT();
  const said = useSaid();
  const api = error instanceof ApiError ? error : undefined;
  return (
    <div className="notice" data-tone="critical" role="alert">
      <StateMark tone="critical">{what ?? t(m.failed)}</StateMark>
      <div style={{ minWidth: 0, overflowWrap: 'anywhere' }}>
        {api?.status === 0 ? t(m.unreachable) : said(errorText(error))}
        {api?.fields.filter((f) => !api.message.includes(f.message)).map((f) => <div key={f.location} className="muted"><code>{f.location}</code> {said(f.message)}</div>)}
      </div>
      <div style={{ marginLeft: 'auto' }}>
        {api?.unauthorized ? (
          <Button component="a" href={signInURL()} variant="default">{t(m.signIn)}</Button>
        ) : (
          retry && <Button variant="default" onClick={retry}>{t(m.again)}</Button>
        )}
      </div>
    </div>
  );
}

/** The address at which people sign in, and come back from. */
export function signInURL(): string {
  return `${prefix}/ui/login?next=${encodeURIComponent(window.location.pathname + window.location.search)}`;
}

/** Notice is a sentence in a tone. */
export function Notice({ tone, children }: { tone: 'critical' | 'warning' | 'info'; children: ReactNode }): ReactNode {
  return (
    <div className="notice" data-tone={tone} role={tone === 'info' ? 'status' : 'alert'}>
      <span className="state" data-tone={tone}><Icon name={toneIcon[tone]} size={16} /></span>
      <div style={{ minWidth: 0, overflowWrap: 'anywhere' }}>{children}</div>
    </div>
  );
}

/** LabelList shows labels as name=value; each is a button where onPick is given. */
export function LabelList({ labels, without = [], onPick }: { labels: Labels; without?: readonly string[]; onPick?: (name: string, value: string) => void }): ReactNode {
  const shown = Object.entries(labels).filter(([name]) => !without.includes(name)).sort(([a], [b]) => (a < b ? -1 : 1));
  return (
    <span className="labels">
      {shown.map(([name, value]) =>
        onPick ? (
          <button key={name} type="button" className="label" onClick={() => onPick(name, value)}><span className="ellipsis"><b>{name}=</b>{value}</span></button>
        ) : (
          <span key={name} className="label"><span className="ellipsis"><b>{name}=</b>{value}</span></span>
        ),
      )}
    </span>
  );
}

/** Ago is how long since a moment, with the moment itself on hover. */
export function Ago({ at, now = Date.now() }: { at: string | number | undefined; now?: number }): ReactNode {
  const l = useLanguage();
  if (at === undefined || at === '') return <span className="muted">–</span>;
  const ms = typeof at === 'number' ? at : Date.parse(at);
  return <time dateTime={new Date(ms).toISOString()} title={new Date(ms).toLocaleString(l === 'zh' ? 'zh-CN' : 'en-GB')}>{ago(now - ms, l)}</time>;
}

/** Span is a length of time, in milliseconds. */
export function Span({ ms }: { ms: number }): ReactNode {
  const { number, unit } = span(ms);
  return <span>{number}<span className="unit">{unit}</span></span>;
}
