import { Button, CopyButton, Group, Modal, Select, Stack, TextInput } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';

import { revokeShare, share, shares } from '../../api/dashboards';
import { useMe } from '../../api/me';
import { prefix } from '../../app/base';
import { useT } from '../../i18n';
import { useSaid } from '../../i18n/useSaid';
import { Ago, errorText, Failed, Loading, Notice } from '../../ui/parts';

const m = {
  title: { en: 'Share', zh: '分享' },
  address: { en: 'For those who can sign in: this view', zh: '供可登录者使用：当前视图' },
  copy: { en: 'Copy', zh: '复制' },
  copied: { en: 'Copied', zh: '已复制' },
  make: { en: 'Make a read-only link', zh: '生成只读链接' },
  expires: { en: 'Valid for', zh: '有效期' },
  day: { en: 'A day', zh: '1 天' },
  week: { en: 'A week', zh: '1 周' },
  month: { en: '30 days', zh: '30 天' },
  year: { en: 'A year', zh: '1 年' },
  warn: { en: 'Whoever has the link may look at this dashboard and query any metric of this server, without signing in.', zh: '任何持有该链接的人无需登录即可查看此仪表盘并查询此服务器的所有指标。' },
  once: { en: 'The link, shown this once', zh: '链接（仅显示一次）' },
  links: { en: 'Valid links', zh: '有效链接' },
  none: { en: 'No link is valid.', zh: '没有有效的链接。' },
  by: { en: 'made by', zh: '创建者' },
  until: { en: 'ends', zh: '到期' },
  revoke: { en: 'Revoke', zh: '撤销' },
  may: { en: 'Sign in as an editor to make read-only links.', zh: '以编辑者身份登录后可生成只读链接。' },
};

const days = { day: 1, week: 7, month: 30, year: 365 } as const;

/** ShareDialog gives the address of this view, and links that let in who cannot sign in. */
export function ShareDialog({ uid, close }: { uid: string; close: () => void }): ReactNode {
  const t = useT();
  const said = useSaid();
  const { may } = useMe();
  const client = useQueryClient();
  const [span, setSpan] = useState<keyof typeof days>('week');
  const [made, setMade] = useState('');
  const [problem, setProblem] = useState<unknown>();
  const list = useQuery({ queryKey: ['shares', uid], queryFn: ({ signal }) => shares(uid, signal), enabled: may('change') });
  const again = (): Promise<void> => client.invalidateQueries({ queryKey: ['shares', uid] });
  const run = (what: Promise<unknown>): void => {
    setProblem(undefined);
    what.then(again, setProblem);
  };
  const make = (): void => run(share(uid, new Date(Date.now() + days[span] * 864e5 - 6e4)).then((s) => {
    // Its own server's address, whatever path the console is served below.
    const url = new URL(`${prefix}/ui/d/${encodeURIComponent(uid)}`, window.location.origin);
    for (const [k, v] of new URLSearchParams(window.location.search)) if (!['edit', 'editPanel', 'settings'].includes(k)) url.searchParams.append(k, v);
    url.searchParams.set('kiosk', '');
    url.searchParams.set('share', s.token);
    setMade(url.href);
  }));
  return (
    <Modal opened onClose={close} size="lg" title={t(m.title)}>
      <Stack gap="md">
        <Copied label={t(m.address)} value={window.location.href} />
        {!may('change') ? <p className="muted">{t(m.may)}</p> : (
          <>
            <Notice tone="warning">{t(m.warn)}</Notice>
            <Group align="flex-end" gap="sm">
              <Select label={t(m.expires)} data={(Object.keys(days) as (keyof typeof days)[]).map((d) => ({ value: d, label: t(m[d]) }))} value={span} allowDeselect={false} onChange={(v) => setSpan((v ?? 'week') as keyof typeof days)} w={140} />
              <Button onClick={make}>{t(m.make)}</Button>
            </Group>
            {made !== '' && <Copied label={t(m.once)} value={made} />}
            {problem !== undefined && <Notice tone="critical">{said(errorText(problem))}</Notice>}
            <h3>{t(m.links)}</h3>
            {list.error ? <Failed error={list.error} retry={() => void list.refetch()} /> : !list.data ? <Loading /> : list.data.length === 0 ? <p className="muted">{t(m.none)}</p> : (
              <table className="table">
                <tbody>
                  {list.data.map((s) => (
                    <tr key={s.id}>
                      <td>{t(m.by)} {s.created_by} <Ago at={s.created_at} /></td>
                      <td>{t(m.until)} <Ago at={s.expires_at} /></td>
                      <td className="num"><Button size="compact-xs" variant="default" onClick={() => run(revokeShare(uid, s.id))}>{t(m.revoke)}</Button></td>
                    </tr>
                  ))}
                </tbody>
              </table>
            )}
          </>
        )}
      </Stack>
    </Modal>
  );
}

function Copied({ label, value }: { label: string; value: string }): ReactNode {
  const t = useT();
  return (
    <Group align="flex-end" gap="sm" wrap="nowrap">
      <TextInput label={label} value={value} readOnly style={{ flex: 1 }} onFocus={(e) => e.currentTarget.select()} />
      <CopyButton value={value}>{({ copied, copy }) => <Button variant="default" onClick={copy}>{t(copied ? m.copied : m.copy)}</Button>}</CopyButton>
    </Group>
  );
}
