import { Button, Group, Menu, Popover, Select, Textarea, TextInput } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';

import { act, type IncidentDetail, incidents } from '../../api/incidents';
import { useMe } from '../../api/me';
import { type Message, useT } from '../../i18n';
import { useSummary } from '../../stock';
import { Icon } from '../../ui/icons';
import { MayNot, Refused } from '../../ui/Refused';
import { snoozed } from './clocks';
import { verdictWords } from './words';

const m = {
  acknowledge: { en: 'Acknowledge', zh: '确认' },
  giveBack: { en: 'Give back', zh: '取消确认' },
  assign: { en: 'Assign', zh: '分派' },
  to: { en: 'To whom; empty for nobody', zh: '负责人；留空表示无人' },
  snooze: { en: 'Snooze', zh: '暂缓' },
  wake: { en: 'End the snooze', zh: '结束暂缓' },
  merge: { en: 'Merge', zh: '合并' },
  into: { en: 'Into which incident', zh: '合并到事件' },
  find: { en: 'Number or title', zh: '编号或标题' },
  alone: { en: 'No other incident is open.', zh: '没有其他未关闭的事件。' },
  close: { en: 'Close', zh: '关闭' },
  reason: { en: 'Why (may be empty)', zh: '原因（可留空）' },
  verdict: { en: 'Verdict', zh: '判定' },
  none: { en: 'Take the verdict back', zh: '撤销判定' },
  comment: { en: 'Comment', zh: '评论' },
  write: { en: 'What you see, what you tried', zh: '现象、已采取的措施' },
};

const snoozes: [Message, number][] = [
  [{ en: '15 minutes', zh: '15 分钟' }, 15], [{ en: '30 minutes', zh: '30 分钟' }, 30], [{ en: '1 hour', zh: '1 小时' }, 60],
  [{ en: '4 hours', zh: '4 小时' }, 240], [{ en: '24 hours', zh: '24 小时' }, 1440],
];

const verdicts = ['real', 'false_alarm'] as const;

type Verb = Parameters<typeof act>[1];

/** useAct does things to an incident, and shows what it is afterwards, also where it was refused. */
function useAct(id: number, etag: string | undefined) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ verb, body, guarded }: { verb: Verb; body?: unknown; guarded?: boolean }) => act(id, verb, body, guarded ? etag : undefined),
    onSettled: () => client.invalidateQueries({ queryKey: ['incident', id] }),
  });
}

/** Actions are what a responder may do with an incident now. */
export function Actions({ incident, etag, children }: { incident: IncidentDetail; etag?: string; children?: ReactNode }): ReactNode {
  const t = useT();
  const { me, may } = useMe();
  const run = useAct(incident.id, etag);
  const open = incident.state === 'firing' || incident.state === 'acknowledged';
  if (!may('respond')) return <Group gap={8}>{children}<MayNot anonymous={me?.method === 'anonymous'} /></Group>;
  return (
    <div style={{ display: 'grid', gap: 8, justifyItems: 'end', maxWidth: '100%' }}>
      <Group gap={8}>
        {incident.state === 'firing' && <Button variant="filled" loading={run.isPending && run.variables.verb === 'acknowledge'} onClick={() => run.mutate({ verb: 'acknowledge' })}>{t(m.acknowledge)}</Button>}
        {incident.state === 'acknowledged' && <Button variant="default" onClick={() => run.mutate({ verb: 'unacknowledge' })}>{t(m.giveBack)}</Button>}
        {open && <Ask label={m.assign} field={m.to} initial={incident.assignee ?? me?.user?.name ?? me?.name ?? ''} send={(to, done) => run.mutate({ verb: 'assign', body: { to }, guarded: true }, { onSuccess: done })} />}
        {open && (
          <Menu position="bottom-end">
            <Menu.Target><Button variant="default" rightSection={<Icon name="down" size={12} />}>{t(m.snooze)}</Button></Menu.Target>
            <Menu.Dropdown>
              {snoozes.map(([name, minutes]) => <Menu.Item key={minutes} onClick={() => run.mutate({ verb: 'snooze', body: { until: new Date(Date.now() + minutes * 60_000).toISOString() }, guarded: true })}>{t(name)}</Menu.Item>)}
              {snoozed(incident, Date.now()) !== undefined && <Menu.Item onClick={() => run.mutate({ verb: 'snooze', body: { until: new Date().toISOString() }, guarded: true })}>{t(m.wake)}</Menu.Item>}
            </Menu.Dropdown>
          </Menu>
        )}
        {open && <Merge id={incident.id} send={(into, done) => run.mutate({ verb: 'merge', body: { into } }, { onSuccess: done })} />}
        {open && <Ask label={m.close} field={m.reason} optional send={(reason, done) => run.mutate({ verb: 'close', body: reason ? { reason } : {}, guarded: true }, { onSuccess: done })} />}
        <Menu position="bottom-end">
          <Menu.Target><Button variant="default" rightSection={<Icon name="down" size={12} />}>{t(m.verdict)}{incident.verdict ? `: ${t(verdictWords[incident.verdict])}` : ''}</Button></Menu.Target>
          <Menu.Dropdown>
            {verdicts.map((verdict) => <Menu.Item key={verdict} disabled={verdict === incident.verdict} onClick={() => run.mutate({ verb: 'verdict', body: { verdict }, guarded: true })}>{t(verdictWords[verdict])}</Menu.Item>)}
            {incident.verdict && <Menu.Item onClick={() => run.mutate({ verb: 'verdict', body: { verdict: '' }, guarded: true })}>{t(m.none)}</Menu.Item>}
          </Menu.Dropdown>
        </Menu>
        {children}
      </Group>
      <Refused error={run.error} />
    </div>
  );
}

/** Ask is a button that first asks for one thing. What was typed stays until it was taken. */
function Ask({ label, field, initial = '', optional, send }: { label: Message; field: Message; initial?: string; optional?: boolean; send: (text: string, done: () => void) => void }): ReactNode {
  const t = useT();
  const [open, setOpen] = useState(false);
  const [text, setText] = useState(initial);
  return (
    <Popover opened={open} onChange={setOpen} position="bottom-end" width={280} trapFocus>
      <Popover.Target><Button variant="default" onClick={() => setOpen(!open)}>{t(label)}</Button></Popover.Target>
      <Popover.Dropdown>
        <form style={{ display: 'grid', gap: 8 }} onSubmit={(e) => { e.preventDefault(); send(text.trim(), () => setOpen(false)); }}>
          <TextInput label={t(field)} value={text} maxLength={optional ? 16_384 : 200} onChange={(e) => setText(e.currentTarget.value)} data-autofocus />
          <Button type="submit" variant="filled">{t(label)}</Button>
        </form>
      </Popover.Dropdown>
    </Popover>
  );
}

/** Merge asks into which of the incidents that are open. */
function Merge({ id, send }: { id: number; send: (into: number, done: () => void) => void }): ReactNode {
  const t = useT();
  const summary = useSummary();
  const [open, setOpen] = useState(false);
  const [into, setInto] = useState<string | null>(null);
  const found = useQuery({ enabled: open, queryKey: ['incidents', 'to merge into'], queryFn: ({ signal }) => incidents({ state: 'firing,acknowledged', limit: 500 }, signal), staleTime: 5000 });
  const others = (found.data?.incidents ?? []).filter((i) => i.id !== id).map((i) => ({ value: String(i.id), label: `#${i.id} ${summary(i.title)}` }));
  return (
    <Popover opened={open} onChange={setOpen} position="bottom-end" width={360} trapFocus>
      <Popover.Target><Button variant="default" onClick={() => setOpen(!open)}>{t(m.merge)}</Button></Popover.Target>
      <Popover.Dropdown>
        <form style={{ display: 'grid', gap: 8 }} onSubmit={(e) => { e.preventDefault(); if (into) send(Number(into), () => setOpen(false)); }}>
          <Refused error={found.error} />
          {found.data && others.length === 0 ? <span>{t(m.alone)}</span> : (
            // Within the popover, which a press beside it would close.
            <Select label={t(m.into)} placeholder={t(m.find)} data={others} value={into} onChange={setInto} searchable limit={100} comboboxProps={{ withinPortal: false }} data-autofocus />
          )}
          <Button type="submit" variant="filled" disabled={!into}>{t(m.merge)}</Button>
        </form>
      </Popover.Dropdown>
    </Popover>
  );
}

const draftKey = (id: number): string => `touchline.comment.${id}`;

function draft(id: number): string {
  try {
    return sessionStorage.getItem(draftKey(id)) ?? '';
  } catch {
    return ''; // storage that is forbidden
  }
}

/** CommentForm keeps what is typed through a refusal, an ended session and a reload. */
export function CommentForm({ id }: { id: number }): ReactNode {
  const t = useT();
  const { may } = useMe();
  const run = useAct(id, undefined);
  const [text, setText] = useState(() => draft(id));
  const keep = (to: string): void => {
    setText(to);
    try {
      if (to === '') sessionStorage.removeItem(draftKey(id));
      else sessionStorage.setItem(draftKey(id), to);
    } catch {
      // It holds until the page is left.
    }
  };
  // Whose session has ended may respond no more, but what they wrote stays in sight.
  if (!may('respond') && text === '') return null;
  return (
    <form style={{ display: 'grid', gap: 8, marginTop: 12 }} onSubmit={(e) => { e.preventDefault(); if (text.trim()) run.mutate({ verb: 'comments', body: { text: text.trim() } }, { onSuccess: () => keep('') }); }}>
      <Textarea autosize minRows={2} maxRows={12} maxLength={16_384} aria-label={t(m.comment)} placeholder={t(m.write)} value={text} onChange={(e) => keep(e.currentTarget.value)} />
      <Refused error={run.error} />
      <div><Button type="submit" variant="default" loading={run.isPending} disabled={text.trim() === ''}>{t(m.comment)}</Button></div>
    </form>
  );
}
