import { Button } from '@mantine/core';
import { type ReactNode, useState } from 'react';

import { useT } from '../i18n';
import { copy } from './files';

const m = {
  copy: { en: 'Copy', zh: '复制' },
  copied: { en: 'Copied', zh: '已复制' },
  failed: { en: 'Not allowed by the browser', zh: '浏览器不允许' },
};

/** CopyButton copies a text, and says so. */
export function CopyButton({ text, label, disabled }: { text: () => string; label?: string; disabled?: boolean }): ReactNode {
  const t = useT();
  const [state, setState] = useState<'' | 'copied' | 'failed'>('');
  return (
    <Button variant="default" size="compact-xs" disabled={disabled} onClick={() => void copy(text()).then((ok) => { setState(ok ? 'copied' : 'failed'); setTimeout(() => setState(''), 2000); })}>
      {state === '' ? (label ?? t(m.copy)) : t(m[state])}
    </Button>
  );
}
