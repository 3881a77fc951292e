/** ruleLink is the address of a rule's page, below /ui. Of several rules of one name in a group it is the first; query tells them apart. */
export function ruleLink(file: string, group: string, name: string, query?: string): string {
  return `/rules/rule?${new URLSearchParams({ file, group, name, ...(query ? { query } : {}) })}`;
}

/** runbookURL is where a runbook link may lead; undefined where it may not be followed. */
export function runbookURL(url: string, prefix: string): string | undefined {
  if (/^https?:\/\//i.test(url)) return url;
  if (/^\/(?!\/)/.test(url)) return url.startsWith('/ui/') ? prefix + url : url;
  return undefined; // javascript: and the like lead nowhere
}
