import { type Answer, call, get } from './client';
import type { Me } from './me';

export const roles = ['viewer', 'responder', 'editor', 'admin'] as const;
export type Role = (typeof roles)[number];

export interface User {
  name: string;
  display_name: string;
  email: string;
  role: Role;
  language: '' | 'en' | 'zh';
  disabled: boolean;
  has_password: boolean;
  subject?: string;
  signed_in_at?: string;
  created_at: string;
  updated_at: string;
  version: number;
}

export interface NewUser {
  name: string;
  display_name?: string;
  email?: string;
  role: Role;
  language?: string;
}

export interface UserChange {
  display_name?: string;
  email?: string;
  role?: Role;
  language?: string;
  disabled?: boolean;
  subject?: string;
}

/** A link that works once, and is shown once. */
export interface Invitation {
  url: string;
  user?: string;
  expires_at: string;
}

export interface Token {
  id: string;
  name: string;
  user?: string;
  scopes: string[] | null;
  created_at: string;
  created_by: string;
  expires_at?: string;
  used_at?: string;
  revoked_at?: string;
  replaced_by?: string;
}

export interface NewToken {
  name: string;
  user?: string;
  scopes: string[];
  expires_at?: string;
}

/** A token with its secret, which is shown once. */
export interface Secret {
  secret: string;
  token: Token;
}

export interface Session {
  id: string;
  user: string;
  method: string;
  remote: string;
  user_agent: string;
  created_at: string;
  expires_at: string;
  seen_at: string;
}

export interface AuditEntry {
  id: string;
  at: string;
  actor: string;
  method: string;
  remote: string;
  action: string;
  target: string;
  before?: unknown;
  after?: unknown;
}

export interface AuditQuery {
  actor?: string;
  action?: string;
  target?: string;
  from?: string;
  to?: string;
  cursor?: string;
}

const root = '/touchline/v1';
const one = encodeURIComponent;
const etag = (version: number): string => `"${version}"`;

export const users = (cursor: string | undefined, signal?: AbortSignal): Promise<{ users: User[]; next_cursor?: string }> =>
  get(`${root}/users`, { params: { limit: 200, cursor }, signal });
export const createUser = (user: NewUser): Promise<User> => get(`${root}/users`, { json: user });
/** changeUser changes a user, unless somebody else has done so since. */
export const changeUser = (user: Pick<User, 'name' | 'version'>, change: UserChange): Promise<User> =>
  get(`${root}/users/${one(user.name)}`, { method: 'PATCH', json: change, ifMatch: etag(user.version) });
export const setPassword = async (name: string, password: string): Promise<void> => {
  await call<unknown>(`${root}/users/${one(name)}/password`, { method: 'PUT', json: { password } });
};
export const invite = (user: string): Promise<Invitation> => get(`${root}/invitations`, { json: user ? { user } : {} });

export const tokens = (all: boolean, cursor: string | undefined, signal?: AbortSignal): Promise<{ tokens: Token[]; next_cursor?: string }> =>
  get(`${root}/tokens`, { params: { limit: 200, all: all || undefined, cursor }, signal });
export const createToken = (token: NewToken): Promise<Secret> => get(`${root}/tokens`, { json: token });
export const rotateToken = (id: string, overlapSeconds: number): Promise<Secret> =>
  get(`${root}/tokens/${one(id)}/rotate`, { json: { overlap_seconds: overlapSeconds } });
export const revokeToken = async (id: string): Promise<void> => {
  await call<unknown>(`${root}/tokens/${one(id)}`, { method: 'DELETE' });
};

/** ownTokens lists the valid tokens of whoever asks. */
export const ownTokens = async (signal?: AbortSignal): Promise<Token[]> => (await get<{ tokens: Token[] }>(`${root}/me/tokens`, { signal })).tokens;
export const createOwnToken = (token: Omit<NewToken, 'user'>): Promise<Secret> => get(`${root}/me/tokens`, { json: token });
export const revokeOwnToken = async (id: string): Promise<void> => {
  await call<unknown>(`${root}/me/tokens/${one(id)}`, { method: 'DELETE' });
};

/** sessions lists the browsers that are signed in: one's own, or everybody's for "*". */
export const sessions = async (user: string | undefined, signal?: AbortSignal): Promise<Session[]> =>
  (await get<{ sessions: Session[] }>(`${root}/sessions`, { params: { user }, signal })).sessions;
export const endSession = async (id: string): Promise<void> => {
  await call<unknown>(`${root}/sessions/${one(id)}`, { method: 'DELETE' });
};

export const audit = (q: AuditQuery, signal?: AbortSignal): Promise<{ entries: AuditEntry[]; next_cursor?: string }> =>
  get(`${root}/audit`, { params: { limit: 50, ...q }, signal });

export const changeMe = (version: number, change: { display_name?: string; email?: string; language?: string }): Promise<Answer<Me>> =>
  call(`${root}/me`, { method: 'PATCH', json: change, ifMatch: etag(version) });
export const changeMyPassword = async (current: string, password: string): Promise<void> => {
  await call<unknown>(`${root}/me/password`, { method: 'PUT', json: { current, password } });
};
