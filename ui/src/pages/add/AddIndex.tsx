import { TextInput } from '@mantine/core';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import type { ReactNode } from 'react';

import { keepTime } from '../../app/Frame';
import { useT } from '../../i18n';
import { Elsewhere } from '../../ui/Elsewhere';
import { Card, Empty, Page } from '../../ui/parts';
import type { Guide } from './guide';
import { guides } from './guides';
import { Sections } from './Sections';

const m = {
  title: { en: 'Add data', zh: '接入数据' },
  sentence: { en: '{n} ways to bring data here or to read it, each with the lines for this server and a light that tells when the first sample is there.', zh: '{n} 种接入或读取方式，均附本服务器的配置内容及首个样本到达指示。' },
  elsewhere: { en: 'Samples are not taken here, because the server at {url} stores them. Send them there, and add what is scraped to its prometheus.yml; the files below fit it.', zh: '本服务器不接收样本，样本存储于 {url}。请发送至该服务器，并在其 prometheus.yml 中添加抓取目标；以下配置同样适用。' },
  find: { en: 'Find', zh: '查找' },
  none: { en: 'Nothing fits "{text}"', zh: '没有与“{text}”匹配的内容' },
  noneHint: { en: 'Whatever speaks the Prometheus format or OTLP can be added: see Your own application and OpenTelemetry.', zh: '凡支持 Prometheus 格式或 OTLP 的程序均可接入：参见“自有应用”与 OpenTelemetry。' },
  send: { en: 'Send to this server', zh: '发送到本服务器' },
  scrape: { en: 'Scraped by this server', zh: '由本服务器抓取' },
  exporter: { en: 'Hosts, clusters and databases, by their exporters', zh: '通过 exporter 监控主机、集群与数据库' },
  use: { en: 'Read from this server', zh: '从本服务器读取' },
};

const groups: Guide['group'][] = ['send', 'scrape', 'exporter', 'use'];

/** AddIndex lists what can be added. */
export function AddIndex(): ReactNode {
  const t = useT();
  const navigate = useNavigate();
  const { text = '' } = useSearch({ strict: false }) as { text?: string };
  const typed = text.trim().toLowerCase();
  const shown = guides.filter((g) => typed === '' || [g.id, g.name.en, g.name.zh, g.summary.en, g.summary.zh].some((s) => s.toLowerCase().includes(typed)));
  return (
    <Page title={t(m.title)} sentence={t(m.sentence, { n: guides.length })}>
      <Sections at="/add" />
      <Elsewhere engine="metrics" text={m.elsewhere} />
      <TextInput aria-label={t(m.find)} placeholder={t(m.find)} value={text} mb={12} maw={360} maxLength={100}
        onChange={(e) => { const v = e.currentTarget.value; void navigate({ to: '.', replace: true, search: (old: Record<string, unknown>) => ({ ...old, text: v || undefined }) } as never); }} />
      {shown.length === 0 && <Empty title={t(m.none, { text })}>{t(m.noneHint)}</Empty>}
      <div className="grid">
        {groups.map((g) => {
          const mine = shown.filter((x) => x.group === g);
          return mine.length > 0 && (
            <Card key={g} title={t(m[g])} columns={6} flush>
              <ul style={{ listStyle: 'none', margin: 0, padding: 0 }}>
                {mine.map((x) => (
                  <li key={x.id} style={{ borderBottom: '1px solid var(--line)', padding: '7px 12px' }}>
                    <Link to={'/add/$what' as never} params={{ what: x.id } as never} search={keepTime as never} style={{ fontWeight: 500 }}>{t(x.name)}</Link>
                    <div className="muted">{t(x.summary)}</div>
                  </li>
                ))}
              </ul>
            </Card>
          );
        })}
      </div>
    </Page>
  );
}
