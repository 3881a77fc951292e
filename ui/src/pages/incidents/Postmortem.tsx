import { Button, Group, Modal, SegmentedControl } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';

import { postmortem } from '../../api/incidents';
import { type Language, useLanguage, useT } from '../../i18n';
import { Icon } from '../../ui/icons';
import { Failed, Loading } from '../../ui/parts';

const m = {
  title: { en: 'Post-mortem of incident #{id}', zh: '事件 #{id} 复盘报告' },
  language: { en: 'Language', zh: '语言' },
  download: { en: 'Download', zh: '下载' },
};

/** Postmortem shows the review of an incident as the Markdown that it is, to be filled in elsewhere. */
export function Postmortem({ id, close }: { id: number; close: () => void }): ReactNode {
  const t = useT();
  const [lang, setLang] = useState<Language>(useLanguage());
  const text = useQuery({ queryKey: ['postmortem', id, lang], queryFn: ({ signal }) => postmortem(id, lang, signal), staleTime: 0 });
  const download = (): void => {
    const url = URL.createObjectURL(new Blob([text.data ?? ''], { type: 'text/markdown' }));
    const a = document.createElement('a');
    a.href = url;
    a.download = `postmortem-${id}.${lang}.md`;
    a.click();
    URL.revokeObjectURL(url);
  };
  return (
    <Modal opened onClose={close} size="xl" title={t(m.title, { id })}>
      <Group mb="sm">
        <SegmentedControl size="xs" aria-label={t(m.language)} value={lang} onChange={(v) => setLang(v === 'zh' ? 'zh' : 'en')} data={[{ value: 'en', label: 'English' }, { value: 'zh', label: '中文' }]} />
        <Button variant="default" ml="auto" disabled={!text.data} leftSection={<Icon name="download" size={14} />} onClick={download}>{t(m.download)}</Button>
      </Group>
      {text.error ? <Failed error={text.error} retry={() => void text.refetch()} /> : text.data === undefined ? <Loading height={320} /> : (
        <pre className="mono" tabIndex={0} style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere', maxHeight: '65vh', overflowY: 'auto', margin: 0, padding: 12, border: '1px solid var(--line)', borderRadius: 6 }}>{text.data}</pre>
      )}
    </Modal>
  );
}
