import { Button, Modal, NumberInput, Select, Textarea, TextInput } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';

import { addDeployment, addWindow, deployments, endDeployment, endWindow, type MaintenanceWindow, windows } from '../../api/maintenance';
import { useMe } from '../../api/me';
import { useLanguage, useT } from '../../i18n';
import { useTime } from '../../time/state';
import { useAddress } from '../../ui/address';
import { clock } from '../../ui/format';
import { Ago, Card, Empty, Failed, LabelList, Loading, Page, Span, StateMark } from '../../ui/parts';
import { MayNot, Refused } from '../../ui/Refused';
import { matchersText, onlyEmpty, parseMatchers } from './matchers';
import { instantOf, inWords, occurrences, recurrence } from './recurrence';
import { AlertTabs } from './Tabs';

const m = {
  title: { en: 'Maintenance', zh: '维护窗口' },
  sentence: { en: '{a} active, {n} to come.', zh: '生效中 {a} 个，待生效 {n} 个。' },
  add: { en: 'Plan a window', zh: '新建窗口' },
  active: { en: 'active', zh: '生效中' },
  next: { en: 'to come', zh: '待生效' },
  over: { en: 'ended', zh: '已结束' },
  ended: { en: 'Ended ones too', zh: '包含已结束' },
  end: { en: 'End', zh: '结束' },
  none: { en: 'No window is planned', zh: '没有维护窗口' },
  how: { en: 'Around a command:', zh: '在命令前后自动创建：' },
  file: { en: 'of touchline.yaml', zh: '来自 touchline.yaml' },
  ends: { en: 'ends', zh: '结束' },
  begins: { en: 'next', zh: '下次' },
  deployments: { en: 'Deployments in this time range', zh: '此时间范围内的部署' },
  mark: { en: 'Mark a deployment', zh: '标记部署' },
  noDeploys: { en: 'No deployment is marked in this time range', zh: '此时间范围内没有部署标记' },
  running: { en: 'running', zh: '进行中' },
  done: { en: 'done', zh: '完成' },
  failed: { en: 'failed', zh: '失败' },
  succeeded: { en: 'It succeeded', zh: '成功' },
  broke: { en: 'It failed', zh: '失败' },
  name: { en: 'Name', zh: '名称' },
  matchers: { en: 'Which alerts, such as service="api"', zh: '匹配哪些告警，如 service="api"' },
  badMatchers: { en: 'Write matchers of which one is not met by an empty value', zh: '请填写匹配器，且至少一个不匹配空值' },
  start: { en: 'Start; empty for now', zh: '开始；留空为立即' },
  minutes: { en: 'Minutes', zh: '分钟' },
  repeat: { en: 'Repeats', zh: '重复' },
  once: { en: 'Once', zh: '一次' },
  daily: { en: 'Daily', zh: '每天' },
  weekdays: { en: 'On weekdays', zh: '工作日' },
  weekly: { en: 'Weekly', zh: '每周' },
  monthly: { en: 'Monthly', zh: '每月' },
  other: { en: 'As an RRULE', zh: '自定义 RRULE' },
  zone: { en: 'Time zone', zh: '时区' },
  comment: { en: 'Why', zh: '原因' },
  create: { en: 'Plan', zh: '创建' },
  five: { en: 'The next five:', zh: '接下来五次：' },
  unknown: { en: 'The server reads this rule; the page does not work it out. The next time is shown once it is planned.', zh: '此规则由服务器解析，页面无法预览；创建后会显示下次时间。' },
  what: { en: 'What is deployed', zh: '部署内容' },
  labels: { en: 'Labels, such as service=api, version=1.4', zh: '标签，如 service=api, version=1.4' },
  badLabels: { en: 'Write labels as name=value, separated by commas', zh: '请按 名称=值 填写，以逗号分隔' },
};

export function Maintenance(): ReactNode {
  const t = useT();
  const l = useLanguage();
  const { value, change } = useAddress();
  const { range, raw } = useTime();
  const { me, may } = useMe();
  const client = useQueryClient();
  const all = value('ended') === '1';
  const q = useQuery({ queryKey: ['maintenance', all], queryFn: ({ signal }) => windows(all, signal), refetchInterval: 5000, placeholderData: (old) => old });
  const deploys = useQuery({ queryKey: ['deployments', raw.from, raw.to], queryFn: ({ signal }) => deployments(new Date(range.from), new Date(Math.max(range.to, raw.to === 'now' ? Date.now() : 0)), signal), refetchInterval: 5000, placeholderData: (old) => old });
  const end = useMutation({ mutationFn: endWindow, onSettled: () => client.invalidateQueries({ queryKey: ['maintenance'] }) });
  const finish = useMutation({ mutationFn: ({ id, failed }: { id: number; failed: boolean }) => endDeployment(id, failed), onSettled: () => client.invalidateQueries({ queryKey: ['deployments'] }) });
  const list = q.data ?? [];
  const words = (w: MaintenanceWindow): string => {
    const r = w.rrule ? recurrence(w.rrule) : undefined;
    return w.rrule ? (r ? inWords(r, l) : w.rrule) : '';
  };
  return (
    <>
      <AlertTabs />
      <Page title={t(m.title)} sentence={q.data && t(m.sentence, { a: list.filter((w) => w.active).length, n: list.filter((w) => !w.active && !w.ended_at && w.next).length })}
        actions={may('respond') ? <><Button variant="default" onClick={() => change({ mark: '1' })}>{t(m.mark)}</Button><Button variant="filled" onClick={() => change({ new: '1' })}>{t(m.add)}</Button></> : <MayNot anonymous={me?.method === 'anonymous'} />}>
        <Refused error={end.error ?? finish.error} />
        {q.error && <Failed error={q.error} retry={() => void q.refetch()} />}
        {!q.data ? !q.error && <Loading height={160} /> : (
          <Card flush title={t(m.title)} actions={<Button size="compact-xs" variant={all ? 'light' : 'default'} aria-pressed={all} onClick={() => change({ ended: all ? '' : '1' })}>{t(m.ended)}</Button>}>
            {list.length === 0 ? <Empty title={t(m.none)}><span>{t(m.how)}</span><code>touchline maintain --for=15m --match service=api -- ./deploy.sh</code></Empty> : list.map((w) => (
              <div key={`${w.source}-${w.id ?? w.name}`} style={{ display: 'flex', flexWrap: 'wrap', gap: '2px 10px', alignItems: 'baseline', padding: '8px 12px', borderBottom: '1px solid var(--line)' }}>
                <StateMark tone={w.active ? 'info' : 'quiet'}>{t(w.active ? m.active : w.ended_at || !w.next ? m.over : m.next)}</StateMark>
                <b>{w.name}</b><span className="mono">{(w.matchers ?? []).join(', ')}</span>
                <span className="muted">{words(w)} <Span ms={w.duration_seconds * 1000} /> · {w.active && w.ends ? <>{t(m.ends)} <Ago at={w.ends} /></> : w.next ? <>{t(m.begins)} {clock(Date.parse(w.next), l, w.time_zone, true)} {w.time_zone}</> : <Ago at={w.ended_at ?? w.start} />} · {w.source === 'file' ? t(m.file) : w.created_by}{w.comment && ` · ${w.comment}`}</span>
                {may('respond') && w.id !== undefined && !w.ended_at && (w.active || w.next) && <Button size="compact-xs" variant="default" style={{ marginLeft: 'auto' }} onClick={() => end.mutate(w.id!)}>{t(m.end)}</Button>}
              </div>
            ))}
          </Card>
        )}
        <div style={{ height: 12 }} />
        <Card flush title={t(m.deployments)}>
          {deploys.error ? <Failed error={deploys.error} retry={() => void deploys.refetch()} /> : !deploys.data ? <Loading height={80} /> : deploys.data.length === 0 ? <Empty title={t(m.noDeploys)} /> : deploys.data.map((d) => (
            <div key={d.id} style={{ display: 'flex', flexWrap: 'wrap', gap: '2px 10px', alignItems: 'baseline', padding: '8px 12px', borderBottom: '1px solid var(--line)' }}>
              <StateMark tone={d.failed ? 'critical' : d.ended ? 'good' : 'info'}>{t(d.failed ? m.failed : d.ended ? m.done : m.running)}</StateMark>
              <b>{d.title}</b> <span className="muted"><Ago at={d.at} /> · {d.actor}</span> <LabelList labels={d.labels ?? {}} />
              {may('respond') && !d.ended && <span style={{ marginLeft: 'auto', display: 'flex', gap: 6 }}><Button size="compact-xs" variant="default" onClick={() => finish.mutate({ id: d.id, failed: false })}>{t(m.succeeded)}</Button><Button size="compact-xs" variant="default" onClick={() => finish.mutate({ id: d.id, failed: true })}>{t(m.broke)}</Button></span>}
            </div>
          ))}
        </Card>
      </Page>
      {value('new') && may('respond') && <WindowForm close={() => change({ new: '' })} />}
      {value('mark') && may('respond') && <DeployForm close={() => change({ mark: '' })} />}
    </>
  );
}

const zones = (): string[] => ['UTC', ...Intl.supportedValuesOf('timeZone').filter((z) => z !== 'UTC')];

function WindowForm({ close }: { close: () => void }): ReactNode {
  const t = useT();
  const l = useLanguage();
  const client = useQueryClient();
  const [name, setName] = useState('');
  const [text, setText] = useState('');
  const [start, setStart] = useState('');
  const [minutes, setMinutes] = useState<number | string>(30);
  const [repeat, setRepeat] = useState('');
  const [own, setOwn] = useState('FREQ=WEEKLY;BYDAY=SA,SU');
  const [zone, setZone] = useState(() => Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC');
  const [comment, setComment] = useState('');
  const rrule = repeat === 'own' ? own.trim() : repeat;
  const parsed = parseMatchers(text);
  const bad = !!parsed.error || parsed.matchers.length === 0 || onlyEmpty(parsed.matchers);
  const at = start === '' ? Date.now() : instantOf(Date.parse(`${start}Z`), zone);
  const rule = rrule ? recurrence(rrule) : undefined;
  const next = rule && Number.isFinite(at) ? occurrences(rule, at, zone, Math.min(at, Date.now()) - 1, 5) : [];
  const ready = name.trim() !== '' && !bad && Number(minutes) > 0 && Number.isFinite(at);
  const save = useMutation({
    mutationFn: () => addWindow({ name: name.trim(), matchers: parsed.matchers.map((x) => matchersText([x])), duration_seconds: Number(minutes) * 60, time_zone: zone, ...(start === '' ? {} : { start: new Date(at).toISOString() }), ...(rrule ? { rrule } : {}), ...(comment.trim() ? { comment: comment.trim() } : {}) }),
    onSuccess: () => { void client.invalidateQueries({ queryKey: ['maintenance'] }); close(); },
  });
  return (
    <Modal opened onClose={close} closeOnClickOutside={false} title={t(m.add)} size="lg">
      <form style={{ display: 'grid', gap: 12 }} onSubmit={(e) => { e.preventDefault(); if (ready) save.mutate(); }}>
        <TextInput label={t(m.name)} value={name} maxLength={200} required data-autofocus onChange={(e) => setName(e.currentTarget.value)} />
        <TextInput label={t(m.matchers)} value={text} required styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)', fontSize: 12 } }} onChange={(e) => setText(e.currentTarget.value)} error={text.trim() !== '' && bad ? t(m.badMatchers) : undefined} />
        <div style={{ display: 'grid', gridTemplateColumns: 'repeat(auto-fit, minmax(160px, 1fr))', gap: 12 }}>
          <TextInput type="datetime-local" label={t(m.start)} value={start} onChange={(e) => setStart(e.currentTarget.value)} />
          <NumberInput label={t(m.minutes)} value={minutes} min={1} max={527_040} onChange={setMinutes} />
          <Select label={t(m.zone)} searchable value={zone} onChange={(z) => setZone(z ?? 'UTC')} data={zones()} />
          <Select label={t(m.repeat)} value={repeat} onChange={(v) => setRepeat(v ?? '')} data={[{ value: '', label: t(m.once) }, { value: 'FREQ=DAILY', label: t(m.daily) }, { value: 'FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR', label: t(m.weekdays) }, { value: 'FREQ=WEEKLY', label: t(m.weekly) }, { value: 'FREQ=MONTHLY', label: t(m.monthly) }, { value: 'own', label: t(m.other) }]} />
        </div>
        {repeat === 'own' && <TextInput label="RRULE" value={own} maxLength={1000} onChange={(e) => setOwn(e.currentTarget.value)} />}
        {rrule && (rule ? (
          <div aria-live="polite"><b>{inWords(rule, l)}</b> <span className="muted">{t(m.five)}</span><ul style={{ margin: '4px 0 0', paddingLeft: 18 }}>{next.map((x) => <li key={x}>{new Intl.DateTimeFormat(l === 'zh' ? 'zh-CN' : 'en-GB', { timeZone: zone, weekday: 'long', day: 'numeric', month: 'long', hour: '2-digit', minute: '2-digit' }).format(x)}</li>)}</ul></div>
        ) : <span className="muted">{t(m.unknown)}</span>)}
        <Textarea autosize label={t(m.comment)} value={comment} maxLength={1000} onChange={(e) => setComment(e.currentTarget.value)} />
        <Refused error={save.error} />
        <div style={{ textAlign: 'right' }}><Button type="submit" variant="filled" loading={save.isPending} disabled={!ready}>{t(m.create)}</Button></div>
      </form>
    </Modal>
  );
}

function DeployForm({ close }: { close: () => void }): ReactNode {
  const t = useT();
  const client = useQueryClient();
  const [title, setTitle] = useState('');
  const [text, setText] = useState('');
  const parsed = parseMatchers(text);
  const bad = !!parsed.error || parsed.matchers.some((x) => x.isRegex || x.isEqual === false);
  const save = useMutation({
    mutationFn: () => addDeployment({ title: title.trim(), labels: Object.fromEntries(parsed.matchers.map((x) => [x.name, x.value])) }),
    onSuccess: () => { void client.invalidateQueries({ queryKey: ['deployments'] }); close(); },
  });
  return (
    <Modal opened onClose={close} closeOnClickOutside={false} title={t(m.mark)}>
      <form style={{ display: 'grid', gap: 12 }} onSubmit={(e) => { e.preventDefault(); if (title.trim() && !bad) save.mutate(); }}>
        <TextInput label={t(m.what)} value={title} maxLength={300} required data-autofocus onChange={(e) => setTitle(e.currentTarget.value)} />
        <TextInput label={t(m.labels)} value={text} onChange={(e) => setText(e.currentTarget.value)} error={bad ? t(m.badLabels) : undefined} />
        <Refused error={save.error} />
        <div style={{ textAlign: 'right' }}><Button type="submit" variant="filled" loading={save.isPending} disabled={title.trim() === '' || bad}>{t(m.mark)}</Button></div>
      </form>
    </Modal>
  );
}
