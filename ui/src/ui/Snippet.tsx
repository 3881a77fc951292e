import { Button } from '@mantine/core';
import { type ReactNode, useEffect, useRef, useState } from 'react';

import { useT } from '../i18n';
import { Icon } from './icons';

const m = {
  copy: { en: 'Copy', zh: '复制' },
  copied: { en: 'Copied', zh: '已复制' },
  select: { en: 'Selected: press Ctrl C', zh: '已选中：请按 Ctrl C' },
  code: { en: 'Code', zh: '代码' },
};

/** How long it says that it has copied, in milliseconds. */
const told = 2000;

/** Snippet shows lines to take over as they stand, with a button that copies them. */
export function Snippet({ text, name, maxHeight }: { text: string; name?: string; maxHeight?: number }): ReactNode {
  const t = useT();
  const body = useRef<HTMLPreElement>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const [state, setState] = useState<'' | 'copied' | 'select'>('');
  useEffect(() => () => clearTimeout(timer.current), []);
  const copy = async (): Promise<void> => {
    let next: 'copied' | 'select' = 'copied';
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // Without TLS a browser has no clipboard: the lines are selected for the reader to copy.
      if (body.current) window.getSelection()?.selectAllChildren(body.current);
      next = 'select';
    }
    setState(next);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setState(''), told);
  };
  return (
    <div style={{ border: '1px solid var(--line)', borderRadius: 6, background: 'var(--page)', minWidth: 0 }}>
      <div style={{ display: 'flex', alignItems: 'center', gap: 8, padding: '4px 4px 4px 10px', borderBottom: '1px solid var(--line)' }}>
        <span className="muted mono ellipsis">{name}</span>
        <Button variant="subtle" size="compact-xs" style={{ marginLeft: 'auto', flex: 'none' }} leftSection={state === 'copied' ? <Icon name="check" size={12} /> : undefined} onClick={() => void copy()} aria-live="polite">
          {t(state === 'copied' ? m.copied : state === 'select' ? m.select : m.copy)}
        </Button>
      </div>
      <pre ref={body} tabIndex={0} aria-label={name ?? t(m.code)} className="mono" style={{ margin: 0, padding: '8px 10px', overflow: 'auto', maxHeight }}>{text}</pre>
    </div>
  );
}
