import { Button, Group, Modal } from '@mantine/core';
import type { ReactNode } from 'react';

import { useT } from '../../i18n';
import { Notice } from '../../ui/parts';
import { Snippet } from '../../ui/Snippet';

const m = {
  done: { en: 'Done', zh: '完成' },
  once: { en: 'It is shown this once. Copy it now.', zh: '仅显示一次，请立即复制。' },
};

/** ShownOnce shows a secret that the server does not keep. */
export function ShownOnce({ title, secret, close, children }: { title: string; secret: string; close: () => void; children?: ReactNode }): ReactNode {
  const t = useT();
  return (
    <Modal opened onClose={close} title={title} size="lg" closeOnClickOutside={false}>
      <div style={{ display: 'grid', gap: 12 }}>
        <Notice tone="warning">{t(m.once)}</Notice>
        <Snippet text={secret} />
        {children}
        <Group justify="flex-end"><Button onClick={close}>{t(m.done)}</Button></Group>
      </div>
    </Modal>
  );
}
