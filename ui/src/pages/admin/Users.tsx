import { Button, Menu, TextInput } from '@mantine/core';
import { useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { type ReactNode, useState } from 'react';

import { changeUser, type Invitation, invite, type Role, roles, type User, users } from '../../api/accounts';
import { useMe } from '../../api/me';
import { useT } from '../../i18n';
import { Confirm } from '../../ui/Confirm';
import { Icon } from '../../ui/icons';
import { Ago, Card, Empty, Failed, Loading, Page, StateMark } from '../../ui/parts';
import { AdminTabs, Gate } from './Gate';
import { ShownOnce } from './ShownOnce';
import { BindSubject, NewUserForm, PasswordForm, roleNames } from './UserForms';

const m = {
  title: { en: 'Users', zh: '用户' },
  sentence: { en: '{n} users, {admins} of them administrators; {disabled} are disabled.', zh: '{n} 个用户，其中管理员 {admins} 个，已禁用 {disabled} 个。' },
  atLeast: { en: 'The first {n} users.', zh: '前 {n} 个用户。' },
  none: { en: 'There are no users', zh: '没有用户' },
  noneHint: { en: 'As soon as there is one, everybody signs in, on this machine too. Make an administrator first.', zh: '创建用户后，包括本机在内所有人都需登录。请先创建管理员。' },
  create: { en: 'Make a user', zh: '创建用户' },
  inviteAdmin: { en: 'Invite an administrator', zh: '邀请管理员' },
  find: { en: 'Filter', zh: '筛选' },
  noFit: { en: 'No user fits', zh: '没有符合的用户' },
  name: { en: 'Name', zh: '名称' },
  role: { en: 'Role', zh: '角色' },
  state: { en: 'State', zh: '状态' },
  signedIn: { en: 'Signed in', zh: '最近登录' },
  never: { en: 'never', zh: '从未' },
  active: { en: 'Active', zh: '有效' },
  disabled: { en: 'Disabled', zh: '已禁用' },
  waiting: { en: 'Has not chosen a password', zh: '尚未设置密码' },
  you: { en: 'you', zh: '本人' },
  more: { en: 'Change {name}', zh: '修改 {name}' },
  changeRole: { en: 'Role', zh: '角色' },
  link: { en: 'Link to choose a password', zh: '密码设置链接' },
  password: { en: 'Set a password', zh: '设置密码' },
  bind: { en: 'Bind to a provider’s subject', zh: '绑定身份提供方主体' },
  disable: { en: 'Disable', zh: '禁用' },
  enable: { en: 'Enable', zh: '启用' },
  sureDisable: { en: '{name} is signed out, and their tokens are not taken any more.', zh: '{name} 将被退出登录，其令牌不再有效。' },
  linkOf: { en: 'Whoever opens it chooses the password of {name}, once, within a day.', zh: '打开者可在一天内为 {name} 设置一次密码。' },
  linkAdmin: { en: 'Whoever opens it becomes an administrator, once, within a day.', zh: '打开者可在一天内成为管理员，仅限一次。' },
  next: { en: 'Show more', zh: '显示更多' },
};

type Doing = { what: 'create' } | { what: 'password' | 'bind' | 'disable'; user: User } | { what: 'link'; link: Invitation };

/** UsersPage lists users, and changes them. */
export function UsersPage(): ReactNode {
  const t = useT();
  return <Gate title={t(m.title)} at="/admin/users">{() => <List />}</Gate>;
}

function List(): ReactNode {
  const t = useT();
  const navigate = useNavigate();
  const { text = '' } = useSearch({ strict: false }) as { text?: string };
  const client = useQueryClient();
  const [doing, setDoing] = useState<Doing>();
  const { data, error, refetch, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery({
    queryKey: ['users'],
    queryFn: ({ pageParam, signal }) => users(pageParam, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next_cursor,
    placeholderData: undefined,
  });
  const again = (): void => void client.invalidateQueries({ queryKey: ['users'] });
  const change = useMutation({ mutationFn: ({ user, by }: { user: User; by: { role?: Role; disabled?: boolean } }) => changeUser(user, by), onSettled: again });
  const link = useMutation({ mutationFn: invite, onSuccess: (l) => setDoing({ what: 'link', link: l }) });
  const all = data?.pages.flatMap((p) => p.users) ?? [];
  const typed = text.trim().toLowerCase();
  const shown = all.filter((u) => [u.name, u.display_name, u.email, u.role].some((s) => s.toLowerCase().includes(typed)));
  const failed = change.error ?? link.error;
  const close = (): void => setDoing(undefined);
  return (
    <Page title={t(m.title)}
      sentence={data && (hasNextPage ? t(m.atLeast, { n: all.length }) : all.length === 0 ? `${t(m.none)}.`.replace('户.', '户。') : t(m.sentence, { n: all.length, admins: all.filter((u) => u.role === 'admin').length, disabled: all.filter((u) => u.disabled).length }))}
      actions={<><Button variant="default" loading={link.isPending} onClick={() => link.mutate('')}>{t(m.inviteAdmin)}</Button><Button leftSection={<Icon name="add" size={14} />} onClick={() => setDoing({ what: 'create' })}>{t(m.create)}</Button></>}>
      <AdminTabs at="/admin/users" />
      {failed && <div style={{ marginBottom: 8 }}><Failed error={failed} /></div>}
      {all.length > 5 && <TextInput aria-label={t(m.find)} placeholder={t(m.find)} value={text} mb={8} maw={320} maxLength={100} onChange={(e) => { const v = e.currentTarget.value; void navigate({ to: '.', replace: true, search: (old: Record<string, unknown>) => ({ ...old, text: v || undefined }) } as never); }} />}
      {error && !data ? <Failed error={error} retry={() => void refetch()} /> : !data ? <Loading height={200} /> : (
        <Card flush>
          {shown.length === 0 ? <Empty title={t(all.length === 0 ? m.none : m.noFit)}>{all.length === 0 && t(m.noneHint)}</Empty> : (
            <table className="table as-cards">
              <thead><tr><th>{t(m.name)}</th><th>{t(m.role)}</th><th>{t(m.state)}</th><th>{t(m.signedIn)}</th><th /></tr></thead>
              <tbody>{shown.map((u) => <Row key={u.name} u={u} setDoing={setDoing} setRole={(role) => change.mutate({ user: u, by: { role } })} enable={() => change.mutate({ user: u, by: { disabled: false } })} makeLink={() => link.mutate(u.name)} />)}</tbody>
            </table>
          )}
          {hasNextPage && <Button variant="subtle" m={8} loading={isFetchingNextPage} onClick={() => void fetchNextPage()}>{t(m.next)}</Button>}
        </Card>
      )}
      {doing?.what === 'create' && <NewUserForm close={close} done={(l) => { again(); setDoing(l ? { what: 'link', link: l } : undefined); }} />}
      {doing?.what === 'password' && <PasswordForm user={doing.user} close={close} />}
      {doing?.what === 'bind' && <BindSubject user={doing.user} close={() => { again(); close(); }} />}
      {doing?.what === 'disable' && <Confirm title={`${t(m.disable)}: ${doing.user.name}`} verb={t(m.disable)} close={() => { again(); close(); }} act={() => changeUser(doing.user, { disabled: true })}>{t(m.sureDisable, { name: doing.user.name })}</Confirm>}
      {doing?.what === 'link' && <ShownOnce title={t(m.link)} secret={doing.link.url} close={close}>{doing.link.user ? t(m.linkOf, { name: doing.link.user }) : t(m.linkAdmin)}</ShownOnce>}
    </Page>
  );
}

function Row({ u, setDoing, setRole, enable, makeLink }: { u: User; setDoing: (d: Doing) => void; setRole: (r: Role) => void; enable: () => void; makeLink: () => void }): ReactNode {
  const t = useT();
  const { me } = useMe();
  return (
    <tr>
      <td data-name={t(m.name)}><div style={{ minWidth: 0 }}><b>{u.name}</b> {me?.user?.name === u.name && <span className="muted">({t(m.you)})</span>}<div className="muted">{[u.display_name, u.email].filter(Boolean).join(' · ')}</div></div></td>
      <td data-name={t(m.role)}>{t(roleNames[u.role])}</td>
      <td data-name={t(m.state)}>{u.disabled ? <StateMark tone="quiet">{t(m.disabled)}</StateMark> : !u.has_password && !u.subject ? <StateMark tone="warning">{t(m.waiting)}</StateMark> : <StateMark tone="good">{t(m.active)}</StateMark>}</td>
      <td data-name={t(m.signedIn)}>{u.signed_in_at ? <Ago at={u.signed_in_at} /> : <span className="muted">{t(m.never)}</span>}</td>
      <td className="num">
        <Menu position="bottom-end">
          <Menu.Target><Button variant="subtle" size="compact-xs" aria-label={t(m.more, { name: u.name })}><Icon name="more" size={16} /></Button></Menu.Target>
          <Menu.Dropdown>
            <Menu.Label>{t(m.changeRole)}</Menu.Label>
            {roles.map((r) => <Menu.Item key={r} disabled={r === u.role} rightSection={r === u.role ? <Icon name="check" size={14} /> : undefined} onClick={() => setRole(r)}>{t(roleNames[r])}</Menu.Item>)}
            <Menu.Divider />
            <Menu.Item onClick={makeLink}>{t(m.link)}</Menu.Item>
            <Menu.Item onClick={() => setDoing({ what: 'password', user: u })}>{t(m.password)}</Menu.Item>
            <Menu.Item onClick={() => setDoing({ what: 'bind', user: u })}>{t(m.bind)}</Menu.Item>
            {u.disabled ? <Menu.Item onClick={enable}>{t(m.enable)}</Menu.Item> : <Menu.Item color="red" onClick={() => setDoing({ what: 'disable', user: u })}>{t(m.disable)}</Menu.Item>}
          </Menu.Dropdown>
        </Menu>
      </td>
    </tr>
  );
}
