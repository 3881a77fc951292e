import { Button, Group, Modal, MultiSelect, Select, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';

import type { NewToken, Secret } from '../../api/accounts';
import { useT } from '../../i18n';
import { useSaid } from '../../i18n/useSaid';
import { Failed } from '../../ui/parts';
import { expiry, type Life } from './tokenState';
import { fieldError } from './UserForms';

const m = {
  create: { en: 'Make it', zh: '创建' },
  name: { en: 'Name', zh: '名称' },
  scopes: { en: 'May', zh: '权限' },
  lasts: { en: 'Lasts', zh: '有效期' },
  user: { en: 'Of the user', zh: '所属用户' },
  userHint: { en: 'It may do no more than they may. Leave it empty for an agent.', zh: '权限不超过该用户。代理程序请留空。' },
  cancel: { en: 'Cancel', zh: '取消' },
  '7d': { en: '7 days', zh: '7 天' },
  '30d': { en: '30 days', zh: '30 天' },
  '90d': { en: '90 days', zh: '90 天' },
  '365d': { en: 'a year', zh: '一年' },
  never: { en: 'until it is revoked', zh: '直到吊销' },
};

interface Props {
  title: string;
  scopes: readonly string[];
  given: string[]; // of scopes, before somebody chooses
  lifes: readonly Life[];
  life: Life;
  owned?: boolean; // whether it is asked whose it is
  make: (token: NewToken) => Promise<Secret>;
  close: () => void;
  done: (s: Secret) => void;
}

/** TokenForm asks what a token is to be, and makes it. */
export function TokenForm({ title, scopes, given, lifes, life, owned = false, make, close, done }: Props): ReactNode {
  const t = useT();
  const said = useSaid();
  const [name, setName] = useState('');
  const [may, setMay] = useState(given);
  const [user, setUser] = useState('');
  const [lasts, setLasts] = useState<string>(life);
  const run = useMutation({ mutationFn: () => make({ name, scopes: may, user: user || undefined, expires_at: expiry(lasts, Date.now()) }), onSuccess: done });
  return (
    <Modal opened onClose={close} title={title}>
      <form onSubmit={(e) => { e.preventDefault(); run.mutate(); }} style={{ display: 'grid', gap: 10 }}>
        <TextInput label={t(m.name)} required maxLength={64} value={name} onChange={(e) => setName(e.currentTarget.value)} error={fieldError(run.error, 'name', said)} data-autofocus autoComplete="off" />
        <MultiSelect label={t(m.scopes)} required data={scopes} value={may} onChange={setMay} error={fieldError(run.error, 'scopes', said)} />
        {owned && <TextInput label={t(m.user)} description={t(m.userHint)} maxLength={64} value={user} onChange={(e) => setUser(e.currentTarget.value)} error={fieldError(run.error, 'user', said)} />}
        <Select label={t(m.lasts)} allowDeselect={false} value={lasts} onChange={(v) => setLasts(v ?? life)} data={lifes.map((l) => ({ value: l, label: t(m[l]) }))} error={fieldError(run.error, 'expires_at', said)} />
        {run.error && <Failed error={run.error} />}
        <Group justify="flex-end"><Button variant="default" onClick={close}>{t(m.cancel)}</Button><Button type="submit" loading={run.isPending} disabled={may.length === 0}>{t(m.create)}</Button></Group>
      </form>
    </Modal>
  );
}
