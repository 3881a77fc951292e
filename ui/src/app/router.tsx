import { createRootRoute, createRoute, createRouter, type ErrorComponentProps } from '@tanstack/react-router';
import type { ReactNode } from 'react';

import { useT } from '../i18n';
import { timeSearch } from '../time/state';
import { Empty, Failed, Loading } from '../ui/parts';
import { areas } from './areas';
import { basePath } from './base';
import { Frame } from './Frame';
import { isLoss } from './load';
import { lazyPage, Lost } from './PageLoad';

const m = {
  none: { en: 'There is no such page', zh: '没有此页面' },
  search: { en: 'Press / to look for it.', zh: '按 / 进行搜索。' },
};

function NotFound(): ReactNode {
  const t = useT();
  return <Empty title={t(m.none)}>{t(m.search)}</Empty>;
}

const root = createRootRoute({
  component: Frame,
  notFoundComponent: NotFound,
  validateSearch: (search: Record<string, unknown>) => ({ ...search, ...timeSearch(search) }),
});

// Each page is a chunk of its own: what is not looked at is not loaded.
const routes = areas
  .flatMap((a) => a.routes)
  .map((r) => createRoute({ getParentRoute: () => root, path: r.path, component: lazyPage(r.load, r.name) }));

export const router = createRouter({
  routeTree: root.addChildren(routes),
  basepath: basePath,
  defaultPreload: 'intent',
  defaultPendingComponent: () => <Loading height={240} />,
  defaultErrorComponent: ({ error, reset }: ErrorComponentProps) => (isLoss(error) ? <Lost error={error} /> : <Failed error={error} retry={reset} />),
  // A query string as people write it: from=now-1h, not from=%22now-1h%22.
  parseSearch: (text) => {
    const out: Record<string, unknown> = {};
    for (const [name, value] of new URLSearchParams(text)) {
      const old = out[name];
      out[name] = old === undefined ? value : Array.isArray(old) ? [...(old as string[]), value] : [old, value];
    }
    return out;
  },
  stringifySearch: (search) => {
    const out = new URLSearchParams();
    for (const [name, value] of Object.entries(search)) {
      for (const one of Array.isArray(value) ? value : [value]) if (one !== undefined && one !== null) out.append(name, String(one));
    }
    const text = out.toString();
    return text === '' ? '' : `?${text}`;
  },
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
