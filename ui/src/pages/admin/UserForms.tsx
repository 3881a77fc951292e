import { Button, Group, Modal, PasswordInput, Select, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';

import { changeUser, createUser, type Invitation, invite, type Role, roles, setPassword, type User } from '../../api/accounts';
import { ApiError } from '../../api/client';
import { type Message, useT } from '../../i18n';
import { useSaid } from '../../i18n/useSaid';
import { Failed } from '../../ui/parts';

const m = {
  create: { en: 'Make a user', zh: '创建用户' },
  name: { en: 'Name', zh: '名称' },
  nameHint: { en: 'Small letters, digits and . _ @ + -. It never changes.', zh: '小写字母、数字及 . _ @ + -，创建后不可更改。' },
  display: { en: 'Shown name', zh: '显示名称' },
  email: { en: 'E-mail', zh: '邮箱' },
  emailHint: { en: 'By it a provider’s user is found at the first sign-in.', zh: '首次通过身份提供方登录时据此匹配。' },
  role: { en: 'Role', zh: '角色' },
  how: { en: 'Signs in', zh: '登录方式' },
  byLink: { en: 'With a password, chosen by a link', zh: '通过链接设置密码' },
  byProvider: { en: 'At the provider (OpenID Connect)', zh: '身份提供方（OpenID Connect）' },
  cancel: { en: 'Cancel', zh: '取消' },
  save: { en: 'Save', zh: '保存' },
  password: { en: 'Password', zh: '密码' },
  passwordHint: { en: 'At least 12 characters. The user is signed out everywhere.', zh: '至少 12 个字符。该用户的所有会话将被退出。' },
  setPassword: { en: 'Set the password of {name}', zh: '设置 {name} 的密码' },
  bind: { en: 'Bind {name} to a provider’s subject', zh: '将 {name} 绑定到身份提供方主体' },
  subject: { en: 'Issuer, a space, and the subject there', zh: '签发者、空格、主体标识' },
  subjectHint: { en: 'Such as https://id.example.com/realms/company 248289761001. Empty for nobody.', zh: '例如 https://id.example.com/realms/company 248289761001。留空表示解除绑定。' },
};

export const roleNames: Record<Role, Message> = {
  viewer: { en: 'Viewer', zh: '查看者' },
  responder: { en: 'Responder', zh: '响应者' },
  editor: { en: 'Editor', zh: '编辑者' },
  admin: { en: 'Administrator', zh: '管理员' },
};

/** fieldError is what the server says is wrong with a field of what was sent, in the reader's language. */
export function fieldError(error: unknown, field: string, said: (text: string) => string): string | undefined {
  const found = error instanceof ApiError ? error.fields.find((f) => f.location === `body.${field}`) : undefined;
  return found && said(found.message);
}

function Buttons({ close, busy }: { close: () => void; busy: boolean }): ReactNode {
  const t = useT();
  return <Group justify="flex-end"><Button variant="default" onClick={close}>{t(m.cancel)}</Button><Button type="submit" loading={busy}>{t(m.save)}</Button></Group>;
}

/** NewUserForm makes a user, and the link by which they choose a password. */
export function NewUserForm({ close, done }: { close: () => void; done: (l: Invitation | undefined) => void }): ReactNode {
  const t = useT();
  const said = useSaid();
  const [name, setName] = useState('');
  const [display, setDisplay] = useState('');
  const [email, setEmail] = useState('');
  const [role, setRole] = useState<Role>('viewer');
  const [how, setHow] = useState<'link' | 'provider'>('link');
  const [made, setMade] = useState('');
  const run = useMutation({
    mutationFn: async () => {
      // A user that is there already, while their link was refused, is not made twice.
      if (made !== name) await createUser({ name, display_name: display || undefined, email: email || undefined, role });
      setMade(name);
      return how === 'link' ? invite(name) : undefined;
    },
    onSuccess: done,
  });
  return (
    <Modal opened onClose={close} title={t(m.create)}>
      <form onSubmit={(e) => { e.preventDefault(); run.mutate(); }} style={{ display: 'grid', gap: 10 }}>
        <TextInput label={t(m.name)} description={t(m.nameHint)} required maxLength={64} value={name} onChange={(e) => setName(e.currentTarget.value)} error={fieldError(run.error, 'name', said)} data-autofocus autoComplete="off" />
        <TextInput label={t(m.display)} maxLength={200} value={display} onChange={(e) => setDisplay(e.currentTarget.value)} error={fieldError(run.error, 'display_name', said)} />
        <TextInput label={t(m.email)} description={t(m.emailHint)} type="email" maxLength={254} value={email} onChange={(e) => setEmail(e.currentTarget.value)} error={fieldError(run.error, 'email', said)} />
        <Select label={t(m.role)} value={role} allowDeselect={false} onChange={(r) => setRole(r as Role)} data={roles.map((r) => ({ value: r, label: t(roleNames[r]) }))} />
        <Select label={t(m.how)} value={how} allowDeselect={false} onChange={(h) => setHow(h as 'link' | 'provider')} data={[{ value: 'link', label: t(m.byLink) }, { value: 'provider', label: t(m.byProvider) }]} />
        {run.error && <Failed error={run.error} />}
        <Buttons close={close} busy={run.isPending} />
      </form>
    </Modal>
  );
}

export function PasswordForm({ user, close }: { user: User; close: () => void }): ReactNode {
  const t = useT();
  const said = useSaid();
  const [password, setTo] = useState('');
  const run = useMutation({ mutationFn: () => setPassword(user.name, password), onSuccess: close });
  return (
    <Modal opened onClose={close} title={t(m.setPassword, { name: user.name })}>
      <form onSubmit={(e) => { e.preventDefault(); run.mutate(); }} style={{ display: 'grid', gap: 10 }}>
        <PasswordInput label={t(m.password)} description={t(m.passwordHint)} required minLength={12} maxLength={1024} value={password} onChange={(e) => setTo(e.currentTarget.value)} error={fieldError(run.error, 'password', said)} data-autofocus autoComplete="new-password" />
        {run.error && <Failed error={run.error} />}
        <Buttons close={close} busy={run.isPending} />
      </form>
    </Modal>
  );
}

export function BindSubject({ user, close }: { user: User; close: () => void }): ReactNode {
  const t = useT();
  const said = useSaid();
  const [subject, setSubject] = useState(user.subject ?? '');
  const run = useMutation({ mutationFn: () => changeUser(user, { subject: subject.trim() }), onSuccess: close });
  return (
    <Modal opened onClose={close} title={t(m.bind, { name: user.name })}>
      <form onSubmit={(e) => { e.preventDefault(); run.mutate(); }} style={{ display: 'grid', gap: 10 }}>
        <TextInput label={t(m.subject)} description={t(m.subjectHint)} maxLength={1024} value={subject} onChange={(e) => setSubject(e.currentTarget.value)} error={fieldError(run.error, 'subject', said)} data-autofocus />
        {run.error && <Failed error={run.error} />}
        <Buttons close={close} busy={run.isPending} />
      </form>
    </Modal>
  );
}
