import { memo, type ReactNode } from 'react';

import type { Mode } from '../../grafana/theme';
import { useT } from '../../i18n';
import { textOf } from '../fields';
import type { Drawn } from './prepare';

const m = {
  caption: { en: '{title}: the last values', zh: '{title}：最新值' },
  series: { en: 'Series', zh: '序列' },
  last: { en: 'Last value', zh: '最新值' },
  more: { en: '{n} more series', zh: '另有 {n} 个序列' },
};

/** More rows than these nobody listens to, and a dashboard would carry them for each of its charts. */
const mostRead = 20;

/** readingsOf are the names and last values of series, as many as are read out. */
export function readingsOf(series: readonly Drawn[], mode: Mode): { name: string; text: string }[] {
  return series.slice(0, mostRead).map((s) => {
    const last = s.raw.findLast((v) => typeof v === 'number');
    return { name: s.name, text: last === undefined ? '–' : textOf(s.field, last, mode) };
  });
}

/** Readings says the last values of a chart to those who cannot see it: a canvas has no text. */
export const Readings = memo(function Readings({ title, series, mode }: { title: string; series: readonly Drawn[]; mode: Mode }): ReactNode {
  const t = useT();
  return (
    <div className="sr-only" data-readings={series.length}>
      <table>
        <caption>{t(m.caption, { title })}</caption>
        <thead><tr><th scope="col">{t(m.series)}</th><th scope="col">{t(m.last)}</th></tr></thead>
        <tbody>
          {readingsOf(series, mode).map((r, i) => <tr key={i}><th scope="row">{r.name}</th><td>{r.text}</td></tr>)}
        </tbody>
      </table>
      {series.length > mostRead && <p>{t(m.more, { n: series.length - mostRead })}</p>}
    </div>
  );
});
