import { Button } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { type ReactNode, useState } from 'react';

import { createOwnToken, ownTokens, revokeOwnToken, type Secret, type Token } from '../../api/accounts';
import type { Access } from '../../api/me';
import { prefix } from '../../app/base';
import { useT } from '../../i18n';
import { Confirm } from '../../ui/Confirm';
import { Icon } from '../../ui/icons';
import { Ago, Card, Empty, Failed, Loading } from '../../ui/parts';
import { ShownOnce } from './ShownOnce';
import { TokenForm } from './TokenForm';

const m = {
  title: { en: 'Your tokens', zh: '您的令牌' },
  make: { en: 'Make a token', zh: '创建令牌' },
  what: { en: 'Programs show it in your name and may do no more than you may. The command line makes one by itself:', zh: '程序以您的身份出示令牌，权限不超过您本人。命令行可自行创建：' },
  name: { en: 'Name', zh: '名称' },
  may: { en: 'May', zh: '权限' },
  used: { en: 'Used', zh: '最近使用' },
  never: { en: 'never', zh: '从未' },
  ends: { en: 'Ends', zh: '到期' },
  endless: { en: 'does not end', zh: '不过期' },
  by: { en: 'made by {name}', zh: '由 {name} 创建' },
  revoke: { en: 'Revoke', zh: '吊销' },
  sure: { en: 'Whoever shows {name} is refused at once.', zh: '使用 {name} 的请求将立即被拒绝。' },
  secret: { en: 'Token {name}', zh: '令牌 {name}' },
  send: { en: 'Send it as: Authorization: Bearer TOKEN', zh: '使用方式：Authorization: Bearer TOKEN' },
};

/** OwnTokens lists the tokens of whoever looks, makes and revokes them. */
export function OwnTokens({ name, may, canMake }: { name: string; may: Access[]; canMake: boolean }): ReactNode {
  const t = useT();
  const client = useQueryClient();
  const navigate = useNavigate();
  const making = (useSearch({ strict: false }) as { token?: string }).token === 'new';
  const make = (on: boolean): void => void navigate({ to: '.', replace: true, search: (old: Record<string, unknown>) => ({ ...old, token: on ? 'new' : undefined }) } as never);
  const [secret, setSecret] = useState<Secret>();
  const [ending, setEnding] = useState<Token>();
  const { data, error, refetch } = useQuery({ queryKey: ['tokens', 'own'], queryFn: ({ signal }) => ownTokens(signal), refetchInterval: 10_000 });
  const again = (): void => void client.invalidateQueries({ queryKey: ['tokens'] });
  const login = <code>{`touchline login --url ${window.location.origin}${prefix} --user ${name}`}</code>;
  return (
    <Card title={t(m.title)} columns={12} flush actions={canMake && <Button size="compact-sm" leftSection={<Icon name="add" size={14} />} onClick={() => make(true)}>{t(m.make)}</Button>}>
      {error && !data ? <Failed error={error} retry={() => void refetch()} /> : !data ? <Loading height={100} /> : data.length === 0 ? <Empty title={t(m.make)}>{t(m.what)}{login}</Empty> : (
        <table className="table as-cards">
          <thead><tr><th>{t(m.name)}</th><th>{t(m.may)}</th><th>{t(m.used)}</th><th>{t(m.ends)}</th><th /></tr></thead>
          <tbody>
            {data.map((x) => (
              <tr key={x.id}>
                <td data-name={t(m.name)}><b>{x.name}</b>{x.created_by !== name && <> <span className="muted">{t(m.by, { name: x.created_by })}</span></>}</td>
                <td data-name={t(m.may)}>{(x.scopes ?? []).join(', ')}</td>
                <td data-name={t(m.used)}>{x.used_at ? <Ago at={x.used_at} /> : <span className="muted">{t(m.never)}</span>}</td>
                <td data-name={t(m.ends)}>{x.expires_at ? <Ago at={x.expires_at} /> : <span className="muted">{t(m.endless)}</span>}</td>
                <td className="num">{canMake && <Button variant="subtle" color="red" size="compact-xs" onClick={() => setEnding(x)}>{t(m.revoke)}</Button>}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {making && canMake && <TokenForm title={t(m.make)} scopes={may} given={['read']} lifes={['7d', '30d', '90d', '365d']} life="90d" make={createOwnToken} close={() => make(false)} done={(s) => { again(); make(false); setSecret(s); }} />}
      {ending && <Confirm title={`${t(m.revoke)}: ${ending.name}`} verb={t(m.revoke)} close={() => { again(); setEnding(undefined); }} act={() => revokeOwnToken(ending.id)}>{t(m.sure, { name: ending.name })}</Confirm>}
      {secret && <ShownOnce title={t(m.secret, { name: secret.token.name })} secret={secret.secret} close={() => setSecret(undefined)}>{t(m.send)}</ShownOnce>}
    </Card>
  );
}
