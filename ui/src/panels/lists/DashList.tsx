import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';

import { get } from '../../api/client';
import { basePath } from '../../app/base';
import { useT } from '../../i18n';
import { retitled, stock } from '../../stock';
import { Icon } from '../../ui/icons';
import { Failed, Loading } from '../../ui/parts';
import type { BodyProps } from '../contract';
import { flag, num, text, texts } from '../options';

const m = {
  none: { en: 'No dashboard matches.', zh: '没有匹配的仪表盘。' },
  starred: { en: 'Starred', zh: '已收藏' },
  found: { en: 'Found', zh: '搜索结果' },
  star: { en: 'starred', zh: '已收藏' },
  recent: { en: 'Recently viewed', zh: '最近浏览' },
  noFolder: { en: 'The folder that this panel names is one of another server: all folders are searched.', zh: '此面板指定的文件夹属于其他服务器：将搜索所有文件夹。' },
  noRecent: { en: 'Recently viewed dashboards are not kept; the list shows those that match.', zh: '不记录最近浏览的仪表盘；此处列出匹配的仪表盘。' },
};

interface Listed {
  uid: string;
  title: string;
  folder?: string;
  tags?: string[];
  starred?: boolean;
  shipped?: boolean;
}

interface ListAnswer {
  dashboards: Listed[];
}

/** DashList links to dashboards: those that are starred, and those that a search finds. */
export function DashList(p: BodyProps): ReactNode {
  const t = useT();
  const o = p.panel.options;
  const search = flag(o, 'showSearch');
  const recent = flag(o, 'showRecentlyViewed');
  const starred = flag(o, 'showStarred', !search && !recent);
  const most = Math.max(1, Math.min(200, num(o, 'maxItems') ?? 10));
  const query = p.replace(text(o, 'query'), 'text');
  const tags = texts(o, 'tags').slice(0, 20);
  return (
    <div className="list-panel" style={{ height: p.height }} tabIndex={0}>
      {starred && <List p={p} head={flag(o, 'showHeadings', true) ? t(m.starred) : undefined} params={{ starred: true }} most={most} />}
      {(search || recent) && <List p={p} head={flag(o, 'showHeadings', true) ? t(m.found) : undefined} note={recent && !search ? t(m.noRecent) : text(o, 'folderUID') ? t(m.noFolder) : undefined} params={{ query, tag: tags[0] ?? '' }} tags={tags} most={most} />}
    </div>
  );
}

function List({ p, head, note, params, tags = [], most }: { p: BodyProps; head?: string; note?: string; params: Record<string, string | boolean>; tags?: string[]; most: number }): ReactNode {
  const t = useT();
  const words = stock.use();
  const q = useQuery({ queryKey: ['panels', 'dashboards', params], queryFn: ({ signal }) => get<ListAnswer>('/touchline/v1/dashboards', { params, signal }) });
  if (q.isPending) return <Loading height={60} />;
  if (q.isError && !q.data) return <Failed error={q.error} retry={() => void q.refetch()} />;
  const items = retitled((q.data?.dashboards ?? []).filter((d) => tags.every((x) => d.tags?.includes(x))).slice(0, most), words);
  const keep = new URLSearchParams();
  if (flag(p.panel.options, 'keepTime') || flag(p.panel.options, 'includeVars')) {
    for (const [k, v] of new URLSearchParams(window.location.search)) {
      if ((flag(p.panel.options, 'keepTime') && (k === 'from' || k === 'to')) || (flag(p.panel.options, 'includeVars') && k.startsWith('var-'))) keep.append(k, v);
    }
  }
  const rest = keep.toString();
  return (
    <>
      {head && <h4 className="muted" style={{ margin: '2px 2px 4px', fontWeight: 500 }}>{head}</h4>}
      {note && <div className="panel-note" title={note}>{note}</div>}
      {items.length === 0 && <p className="muted" style={{ margin: '4px 2px' }}>{t(m.none)}</p>}
      <ul>
        {items.map((d) => (
          <li key={d.uid}>
            <a className="ellipsis" href={`${basePath}/d/${encodeURIComponent(d.uid)}${rest ? `?${rest}` : ''}`}>{d.title}</a>
            {d.starred && <Icon name="star" size={12} title={t(m.star)} />}
            <span className="end">{d.folder}</span>
          </li>
        ))}
      </ul>
    </>
  );
}
