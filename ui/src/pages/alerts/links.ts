import type { LinkProps } from '@tanstack/react-router';

/** ruleLink is the address of a rule's page, below /ui. Of several rules of one name in a group it is the first; query tells them apart. */
export function ruleLink(file: string, group: string, name: string, query?: string): string {
  return `/rules/rule?${new URLSearchParams({ file, group, name, ...(query ? { query } : {}) })}`;
}

/** exploreLink is where an expression can be looked at. */
export function exploreLink(expr: string): string {
  return `/explore?${new URLSearchParams({ 'g0.expr': expr, 'g0.tab': '0' })}`;
}

/** runbookURL is where a runbook link may lead; undefined where it may not be followed. */
export function runbookURL(url: string, prefix: string): string | undefined {
  if (/^https?:\/\//i.test(url)) return url;
  if (/^\/(?!\/)/.test(url)) return url.startsWith('/ui/') ? prefix + url : url;
  return undefined; // javascript: and the like lead nowhere
}

/** below is what a link to a page below /ui takes. */
export function below(to: string): LinkProps {
  const [path, query] = to.split('?', 2);
  const search = query ? Object.fromEntries(new URLSearchParams(query)) : {};
  return { to: path, search: (old: Record<string, unknown>) => ({ from: old.from, to: old.to, refresh: old.refresh, timezone: old.timezone, ...search }) } as never;
}
