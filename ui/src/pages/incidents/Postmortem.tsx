import { Button, Group, Modal, SegmentedControl } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { lazy, type ReactNode, Suspense } from 'react';

import { postmortem } from '../../api/incidents';
import { useLanguage, useT } from '../../i18n';
import { useAddress } from '../../ui/address';
import { CopyButton } from '../../ui/CopyButton';
import { download } from '../../ui/files';
import { Icon } from '../../ui/icons';
import { Failed, Loading } from '../../ui/parts';
import { Refused } from '../../ui/Refused';

const Rendered = lazy(() => import('./PostmortemText'));

const m = {
  title: { en: 'Post-mortem of incident #{id}', zh: '事件 #{id} 复盘报告' },
  language: { en: 'Language', zh: '语言' },
  view: { en: 'Show as', zh: '显示为' },
  rendered: { en: 'Text', zh: '正文' },
  source: { en: 'Markdown', zh: 'Markdown' },
  copy: { en: 'Copy Markdown', zh: '复制 Markdown' },
  markdown: { en: 'Download .md', zh: '下载 .md' },
  json: { en: 'Download .json', zh: '下载 .json' },
  how: { en: 'It is not kept here: take it along, and write impact, whys and actions into your own copy.', zh: '此报告不在此处保存：请下载后在自己的副本中填写影响、原因分析和改进项。' },
};

/** Postmortem shows the review of an incident, to be filled in elsewhere. */
export function Postmortem({ id, close }: { id: number; close: () => void }): ReactNode {
  const t = useT();
  const { value, change } = useAddress();
  const own = useLanguage();
  const lang = value('lang') === 'zh' ? 'zh' : value('lang') === 'en' ? 'en' : own;
  const source = value('as') === 'source';
  const text = useQuery({ queryKey: ['postmortem', id, lang], queryFn: ({ signal }) => postmortem(id, lang, 'md', signal), staleTime: 0 });
  const json = useMutation({ mutationFn: () => postmortem(id, lang, 'json'), onSuccess: (raw) => download(`postmortem-${id}.${lang}.json`, raw, 'application/json') });
  return (
    <Modal opened onClose={close} size="xl" title={t(m.title, { id })}>
      <Group mb="sm" gap={8}>
        <SegmentedControl size="xs" aria-label={t(m.language)} value={lang} onChange={(v) => change({ lang: v === own ? '' : v })} data={[{ value: 'en', label: 'English' }, { value: 'zh', label: '中文' }]} />
        <SegmentedControl size="xs" aria-label={t(m.view)} value={source ? 'source' : 'text'} onChange={(v) => change({ as: v === 'source' ? 'source' : '' })} data={[{ value: 'text', label: t(m.rendered) }, { value: 'source', label: t(m.source) }]} />
        <span style={{ marginLeft: 'auto', display: 'flex', flexWrap: 'wrap', gap: 8 }}>
          <CopyButton label={t(m.copy)} disabled={!text.data} text={() => text.data ?? ''} />
          <Button variant="default" size="compact-xs" disabled={!text.data} leftSection={<Icon name="download" size={12} />} onClick={() => download(`postmortem-${id}.${lang}.md`, text.data ?? '', 'text/markdown')}>{t(m.markdown)}</Button>
          <Button variant="default" size="compact-xs" loading={json.isPending} leftSection={<Icon name="download" size={12} />} onClick={() => json.mutate()}>{t(m.json)}</Button>
        </span>
      </Group>
      <Refused error={json.error} />
      {text.error ? <Failed error={text.error} retry={() => void text.refetch()} /> : text.data === undefined ? <Loading height={320} /> : source ? (
        <pre className="mono" tabIndex={0} aria-label={t(m.source)} style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere', maxHeight: '65vh', overflowY: 'auto', margin: 0, padding: 12, border: '1px solid var(--line)', borderRadius: 6 }}>{text.data}</pre>
      ) : <Suspense fallback={<Loading height={320} />}><Rendered text={text.data} label={t(m.title, { id })} /></Suspense>}
      <p className="muted" style={{ margin: '8px 0 0' }}>{t(m.how)}</p>
    </Modal>
  );
}
