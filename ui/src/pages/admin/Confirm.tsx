import { Button, Group, Modal } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import type { ReactNode } from 'react';

import { useT } from '../../i18n';
import { Failed, Notice } from '../../ui/parts';
import { Snippet } from '../../ui/Snippet';

const m = {
  cancel: { en: 'Cancel', zh: '取消' },
  done: { en: 'Done', zh: '完成' },
  once: { en: 'It is shown this once. Copy it now.', zh: '仅显示一次，请立即复制。' },
};

/** Confirm asks before something that cannot be taken back. */
export function Confirm({ title, verb, act, close, children }: { title: string; verb: string; act: () => Promise<unknown>; close: () => void; children: ReactNode }): ReactNode {
  const t = useT();
  const run = useMutation({ mutationFn: act, onSuccess: close });
  return (
    <Modal opened onClose={close} title={title}>
      <div style={{ display: 'grid', gap: 12 }}>
        <div>{children}</div>
        {run.error && <Failed error={run.error} />}
        <Group justify="flex-end"><Button variant="default" onClick={close}>{t(m.cancel)}</Button><Button color="red" loading={run.isPending} onClick={() => run.mutate()}>{verb}</Button></Group>
      </div>
    </Modal>
  );
}

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
