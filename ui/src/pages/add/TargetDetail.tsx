import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';

import type { Labels } from '../../api/prometheus';
import { relabelSteps } from '../../api/server';
import { useT } from '../../i18n';
import { Failed, LabelList, Loading, StateMark } from '../../ui/parts';

const m = {
  discovered: { en: 'As discovered', zh: '服务发现标签' },
  steps: { en: 'What relabelling makes of it', zh: '重新标记过程' },
  none: { en: 'This pool relabels nothing.', zh: '此抓取池没有重新标记规则。' },
  keeps: { en: 'Kept', zh: '保留' },
  drops: { en: 'Dropped here', zh: '在此丢弃' },
};

/** TargetDetail shows the labels that a target came with, and what each rule made of them. */
export function TargetDetail({ pool, discovered }: { pool: string; discovered: Labels }): ReactNode {
  const t = useT();
  const { data, error, refetch } = useQuery({ queryKey: ['relabel', pool, discovered], queryFn: ({ signal }) => relabelSteps(pool, discovered, signal), staleTime: 30_000, placeholderData: undefined });
  return (
    <div style={{ display: 'grid', gap: 8, padding: '8px 0' }}>
      <h3>{t(m.discovered)}</h3>
      <LabelList labels={discovered} />
      <h3>{t(m.steps)}</h3>
      {error ? <Failed error={error} retry={() => void refetch()} /> : !data ? <Loading height={40} /> : data.length === 0 ? <span className="muted">{t(m.none)}</span> : (
        <ol style={{ margin: 0, paddingLeft: 20, display: 'grid', gap: 8 }}>
          {data.map((s, i) => (
            <li key={i}>
              <code style={{ overflowWrap: 'anywhere' }}>{ruleText(s.rule)}</code>{' '}
              <StateMark tone={s.keep ? 'quiet' : 'warning'}>{t(s.keep ? m.keeps : m.drops)}</StateMark>
              {s.keep && <LabelList labels={s.output} />}
            </li>
          ))}
        </ol>
      )}
    </div>
  );
}

function ruleText(rule: Record<string, unknown>): string {
  return Object.entries(rule).filter(([, v]) => v !== '' && v !== null && v !== undefined).map(([n, v]) => `${n}: ${typeof v === 'string' ? v : JSON.stringify(v)}`).join('; ');
}
