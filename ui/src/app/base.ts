// Where the server has put the console. It writes its route prefix into the page.

function meta(name: string): string {
  if (typeof document === 'undefined') return ''; // a test of pure code
  return document.querySelector<HTMLMetaElement>(`meta[name=${name}]`)?.content ?? '';
}

/** The route prefix without a slash at its end, such as "/monitoring", or "". */
export const prefix: string = meta('touchline-prefix').replace(/\/+$/, '');

/** The path that every page of the console is below. */
export const basePath = `${prefix}/ui`;

/** What the content security policy lets style elements carry. */
export const styleNonce = (): string => meta('csp-nonce');
