import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';

import { useMe } from '../../api/me';
import { keepTime } from '../../app/Frame';
import { useT } from '../../i18n';
import { Empty } from '../../ui/parts';

const m = {
  gone: { en: 'This dashboard is not there any more', zh: '此仪表盘已不存在' },
  why: { en: 'It was deleted, or its address is wrong. Versions go with it: only an export or a backup has it still.', zh: '它已被删除，或地址有误。其版本随之删除：只有导出文件或备份中可能还有。' },
  who: { en: 'The audit log says who deleted it.', zh: '审计日志记录了由谁删除。' },
  list: { en: 'All dashboards', zh: '全部仪表盘' },
};

/** Gone is what is shown of a dashboard that the server does not have. */
export function Gone(): ReactNode {
  const t = useT();
  const { may } = useMe();
  return (
    <Empty title={t(m.gone)} action={<Link to={'/dashboards' as never} search={keepTime as never}>{t(m.list)}</Link>}>
      {t(m.why)}
      {may('admin') && <Link to={'/admin/audit' as never}>{t(m.who)}</Link>}
    </Empty>
  );
}
