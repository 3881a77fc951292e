import { TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import type { ReactNode } from 'react';

import { alertmanagerStatus, configuration, flags } from '../../api/server';
import { useT } from '../../i18n';
import { Elsewhere } from '../../ui/Elsewhere';
import { Card, Empty, Failed, Loading, Page } from '../../ui/parts';
import { Snippet } from '../../ui/Snippet';
import { StatusTabs } from './StatusTabs';

const m = {
  elsewhere: { en: 'Flags and prometheus.yml are those of the server at {url}, which stands in for the engine of metrics.', zh: '命令行参数与 prometheus.yml 均属于 {url}，它替代了本机的指标引擎。' },
  title: { en: 'Configuration', zh: '配置' },
  sentence: { en: '{n} settings are in force; {named} of them name a file or an address. Secrets are hidden by the server.', zh: '共 {n} 项设置生效，其中 {named} 项指定了文件或地址。密钥由服务器隐藏。' },
  settings: { en: 'Settings', zh: '设置' },
  name: { en: 'Flag', zh: '参数' },
  value: { en: 'Value', zh: '值' },
  filter: { en: 'Filter', zh: '筛选' },
  none: { en: 'No setting fits "{text}"', zh: '没有与“{text}”匹配的设置' },
  empty: { en: 'not set', zh: '未设置' },
  prometheus: { en: 'Scraping and rules (prometheus.yml)', zh: '抓取与规则（prometheus.yml）' },
  alertmanager: { en: 'Routes and receivers (alertmanager.yml)', zh: '路由与接收方（alertmanager.yml）' },
};

/** ConfigurationPage shows what is in force. */
export function ConfigurationPage(): ReactNode {
  const t = useT();
  const navigate = useNavigate();
  const { text = '' } = useSearch({ strict: false }) as { text?: string };
  const set = useQuery({ queryKey: ['flags'], queryFn: ({ signal }) => flags(signal), staleTime: 60_000 });
  const prom = useQuery({ queryKey: ['config'], queryFn: ({ signal }) => configuration(signal) });
  const am = useQuery({ queryKey: ['alertmanager status'], queryFn: ({ signal }) => alertmanagerStatus(signal) });
  const all = Object.entries(set.data ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  const typed = text.trim().toLowerCase().replace(/^--/, '');
  const shown = all.filter(([n, v]) => n.includes(typed) || v.toLowerCase().includes(typed));
  const named = all.filter(([n, v]) => v !== '' && /(file|address|config|url|path)$/.test(n)).length;
  return (
    <Page title={t(m.title)} sentence={set.data && t(m.sentence, { n: all.length, named })}>
      <StatusTabs at="/status/configuration" />
      <Elsewhere engine="metrics" text={m.elsewhere} />
      <div className="grid">
        <Card title={t(m.settings)} columns={12} flush actions={
          <TextInput aria-label={t(m.filter)} placeholder={t(m.filter)} value={text} maxLength={100} onChange={(e) => { const v = e.currentTarget.value; void navigate({ to: '.', replace: true, search: (old: Record<string, unknown>) => ({ ...old, text: v || undefined }) } as never); }} />
        }>
          {set.error && !set.data ? <Failed error={set.error} retry={() => void set.refetch()} /> : !set.data ? <Loading height={320} /> : shown.length === 0 ? <Empty title={t(m.none, { text })} /> : (
            <div style={{ maxHeight: 420, overflow: 'auto' }} tabIndex={0} role="region" aria-label={t(m.settings)}>
              <table className="table">
                <thead><tr><th>{t(m.name)}</th><th>{t(m.value)}</th></tr></thead>
                <tbody>{shown.map(([n, v]) => <tr key={n}><td className="mono">--{n}</td><td className="mono" style={{ overflowWrap: 'anywhere' }}>{v === '' ? <span className="muted">{t(m.empty)}</span> : v}</td></tr>)}</tbody>
              </table>
            </div>
          )}
        </Card>
        <Card title={t(m.prometheus)} columns={6}>
          {prom.error && prom.data === undefined ? <Failed error={prom.error} retry={() => void prom.refetch()} /> : prom.data === undefined ? <Loading height={240} /> : <Snippet name="prometheus.yml" text={prom.data} maxHeight={520} />}
        </Card>
        <Card title={t(m.alertmanager)} columns={6}>
          {am.error && !am.data ? <Failed error={am.error} retry={() => void am.refetch()} /> : !am.data ? <Loading height={240} /> : <Snippet name="alertmanager.yml" text={am.data.config.original} maxHeight={520} />}
        </Card>
      </div>
    </Page>
  );
}
