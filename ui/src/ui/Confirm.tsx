import { Button, Group, Modal } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import type { ReactNode } from 'react';

import { useT } from '../i18n';
import { Failed } from './parts';

const m = { cancel: { en: 'Cancel', zh: '取消' } };

/** Confirm asks before something that cannot be taken back, or, where nothing is lost (kept), that one may not have meant. */
export function Confirm({ title, verb, act, close, kept, children }: { title: string; verb: string; act: () => Promise<unknown>; close: () => void; kept?: boolean; children: ReactNode }): ReactNode {
  const t = useT();
  const run = useMutation({ mutationFn: act, onSuccess: close });
  return (
    <Modal opened onClose={close} title={title}>
      <div style={{ display: 'grid', gap: 12 }}>
        <div>{children}</div>
        {run.error && <Failed error={run.error} />}
        <Group justify="flex-end"><Button variant="default" onClick={close}>{t(m.cancel)}</Button><Button color={kept ? undefined : 'red'} loading={run.isPending} onClick={() => run.mutate()}>{verb}</Button></Group>
      </div>
    </Modal>
  );
}
