import { type ReactNode, useMemo } from 'react';

import { useT } from '../../i18n';
import { differences } from './diff';

const m = {
  none: { en: 'No differences', zh: '没有差异' },
  n: { en: '{n} differences', zh: '{n} 处差异' },
  more: { en: 'More than {n} differences; the first are shown', zh: '差异超过 {n} 处，仅显示前面部分' },
  added: { en: 'added', zh: '新增' },
  removed: { en: 'removed', zh: '删除' },
  changed: { en: 'changed', zh: '修改' },
};

const shown = 300;
const short = (v: unknown): string => {
  const s = v === undefined ? '' : typeof v === 'string' ? v : JSON.stringify(v, null, 1);
  return s.length > 600 ? `${s.slice(0, 600)}…` : s;
};

/** What every save changes by itself. */
const ours = new Set(['version', 'id', 'uid', 'iteration']);

/** Differences lists what differs between two dashboards, by path. */
export function Differences({ before, after }: { before: Record<string, unknown>; after: Record<string, unknown> }): ReactNode {
  const t = useT();
  const { list, more } = useMemo(() => {
    const d = differences(before, after);
    return { ...d, list: d.list.filter((x) => !ours.has(x.path)) };
  }, [before, after]);
  if (list.length === 0) return <p className="muted">{t(m.none)}</p>;
  return (
    <>
      <p className="muted">{more ? t(m.more, { n: list.length }) : t(m.n, { n: list.length })}</p>
      <table className="dash-diff">
        <tbody>
          {list.slice(0, shown).map((d) => (
            <tr key={d.path}>
              <td style={{ width: '34%' }}>{d.path}<br /><span className="muted">{t(m[d.kind])}</span></td>
              <td style={{ background: d.before === undefined ? undefined : 'var(--critical-soft)' }}>{short(d.before)}</td>
              <td style={{ background: d.after === undefined ? undefined : 'var(--good-soft)' }}>{short(d.after)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}
