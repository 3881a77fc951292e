import { prefix } from '../app/base';

/** An answer that is no success, or none at all. */
export class ApiError extends Error {
  constructor(
    message: string,
    /** The HTTP status; 0 where no answer came. */
    readonly status: number,
    /** What the server says is wrong with which field, where it does. */
    readonly fields: { location: string; message: string }[] = [],
  ) {
    super(message);
    this.name = 'ApiError';
  }

  /** Whether signing in, or in again, may help. */
  get unauthorized(): boolean {
    return this.status === 401;
  }

  /** Whether somebody else was faster. */
  get conflict(): boolean {
    return this.status === 409 || this.status === 412;
  }
}

export interface Answer<T> {
  body: T;
  etag: string | undefined;
}

export interface Request {
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Query parameters; what is undefined or empty is left out. */
  params?: Record<string, string | number | boolean | readonly string[] | undefined>;
  /** A form body, as Prometheus's API takes long queries. */
  form?: Record<string, string | readonly string[] | undefined>;
  json?: unknown;
  ifMatch?: string;
  headers?: Record<string, string>;
  signal?: AbortSignal;
  /** Reads the answer instead of JSON.parse; it throws a SyntaxError where that is none. */
  parse?: (text: string) => unknown;
}

function encode(values: Record<string, string | number | boolean | readonly string[] | undefined>): URLSearchParams {
  const out = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined || value === '') continue;
    for (const one of Array.isArray(value) ? value : [value]) out.append(name, String(one));
  }
  return out;
}

/** Headers that every request carries, such as a share token. */
export const extraHeaders: Record<string, string> = {};

/** How a request shows the secret of a link to one dashboard. */
export const shareHeader = 'X-Touchline-Share';

/** byLink tells whether the address has a link to one dashboard, which lets its reader look at that and ask for nothing else. */
export const byLink = (): boolean => typeof window !== 'undefined' && new URLSearchParams(window.location.search).has('share');

/** Where the server says who sends a request. */
export const whoPath = '/touchline/v1/me';

/** expired is told when an answer says that nobody is signed in any more. */
let expired: () => void = () => {};

export function onExpired(f: () => void): void {
  expired = f;
}

/** call sends a request to this server and gives the JSON that it answers. */
export async function call<T>(path: string, r: Request = {}): Promise<Answer<T>> {
  const query = r.params ? encode(r.params).toString() : '';
  const headers: Record<string, string> = { Accept: 'application/json', ...extraHeaders, ...r.headers };
  let body: BodyInit | undefined;
  if (r.form) {
    body = encode(r.form);
  } else if (r.json !== undefined) {
    headers['Content-Type'] = 'application/json';
    body = JSON.stringify(r.json);
  }
  if (r.ifMatch) headers['If-Match'] = r.ifMatch;
  let response: Response;
  try {
    response = await fetch(`${prefix}${path}${query ? `?${query}` : ''}`, {
      method: r.method ?? (body === undefined ? 'GET' : 'POST'),
      headers,
      body,
      signal: r.signal,
      credentials: 'same-origin',
    });
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === 'AbortError') throw cause;
    throw new ApiError('The server does not answer.', 0);
  }
  const text = await response.text();
  let parsed: unknown;
  try {
    parsed = text === '' ? undefined : await (r.parse ?? JSON.parse)(text);
  } catch {
    parsed = undefined;
  }
  if (!response.ok) {
    // Who asks who they are has the answer already: to ask again at each refusal would never end.
    if (response.status === 401 && path !== whoPath) expired();
    throw refusal(response.status, parsed, text);
  }
  if (parsed === undefined && text !== '') throw new ApiError(`The answer to ${path} is not JSON.`, response.status);
  return { body: parsed as T, etag: response.headers.get('ETag') ?? undefined };
}

/** get is call for those who need the body only. */
export async function get<T>(path: string, r: Request = {}): Promise<T> {
  return (await call<T>(path, r)).body;
}

interface Refusal {
  detail?: string;
  title?: string;
  error?: string;
  message?: string;
  errors?: { location?: string; message?: string }[];
}

/** refusal reads the error shapes of the protocols that this server speaks. */
export function refusal(status: number, parsed: unknown, text: string): ApiError {
  if (typeof parsed === 'string') return new ApiError(parsed, status); // Alertmanager
  const body = (parsed ?? {}) as Refusal;
  const fields = (body.errors ?? []).map((e) => ({ location: e.location ?? '', message: e.message ?? '' }));
  // Where the server says only that something is wrong with the fields, the fields are what there is to say.
  const named = fields.map((f) => `${f.location.replace(/^body\.?/, '')}: ${f.message}`.replace(/^: /, ''));
  const message = fields.length > 0 && body.detail === 'validation failed' ? named.join(' · ') : body.detail ?? body.error ?? body.message ?? body.title ?? (text.length < 300 ? text.trim() : '');
  return new ApiError(message || `The server answers ${status}.`, status, fields);
}
