import type { ReactNode } from 'react';

import { useT } from '../../i18n';
import type { BodyProps } from '../contract';
import { Table } from './Table';

const m = {
  note: { en: 'Panels of type “{type}” are not drawn here; this is their data.', zh: '此处不支持绘制 “{type}” 类型的面板，以下为其数据。' },
  none: { en: 'Panels of type “{type}” are not drawn here, and its queries returned no data.', zh: '此处不支持绘制 “{type}” 类型的面板，且查询没有返回数据。' },
};

/** DataTable shows the data of a panel whose type nothing draws. */
export function DataTable(p: BodyProps): ReactNode {
  const t = useT();
  const empty = p.frames.every((f) => f.length === 0);
  const type = p.panel.type.slice(0, 80);
  if (empty) return <div className="panel-empty hatched" style={{ height: p.height }}><b>{t(m.none, { type })}</b></div>;
  return (
    <>
      <div className="panel-note" role="note">{t(m.note, { type })}</div>
      <Table {...p} height={p.height - 16} />
    </>
  );
}
