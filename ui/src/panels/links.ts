// Addresses come out of dashboards that strangers have written.

const schemes = new Set(['http:', 'https:', 'mailto:']);

/**
 * safeHref gives an address back where it may be followed: http, https, mailto
 * or relative to this server. Anything else, such as javascript:, is undefined.
 */
export function safeHref(url: unknown): string | undefined {
  if (typeof url !== 'string') return undefined;
  // Browsers take control characters and blanks out before they read a scheme, and so does this.
  // eslint-disable-next-line no-control-regex
  const text = url.replace(/[\u0000-\u001f\u007f-\u009f]/g, '').trim();
  if (text === '' || text.length > 8192) return undefined;
  let parsed: URL;
  try {
    parsed = new URL(text, 'https://relative.invalid/');
  } catch {
    return undefined;
  }
  if (!schemes.has(parsed.protocol)) return undefined;
  return text;
}

/** leavesServer tells whether an address goes to another host. */
export function leavesServer(href: string): boolean {
  return /^(?:[a-z][a-z\d+.-]*:|[\\/]{2})/i.test(href);
}

/** linkProps are the attributes of an anchor, or undefined where the address may not be followed. */
export function linkProps(url: unknown, blank = false): { href: string; target?: '_blank'; rel?: string } | undefined {
  const href = safeHref(url);
  if (href === undefined) return undefined;
  return blank || leavesServer(href) ? { href, target: '_blank', rel: 'noopener noreferrer' } : { href };
}
