-- +goose Up
CREATE TABLE users (
	name         TEXT PRIMARY KEY,
	display_name TEXT NOT NULL,
	email        TEXT NOT NULL,
	role         TEXT NOT NULL,
	password     TEXT NOT NULL, -- argon2id, '' where there is none
	subject      TEXT NOT NULL, -- who it is at the OIDC provider, '' where it is nobody
	language     TEXT NOT NULL, -- '' where none was chosen
	disabled     INTEGER NOT NULL,
	created_at   BIGINT NOT NULL,
	updated_at   BIGINT NOT NULL,
	signed_in_at BIGINT NOT NULL,
	version      BIGINT NOT NULL
);
CREATE UNIQUE INDEX users_subject ON users (subject) WHERE subject <> '';

CREATE TABLE tokens (
	id          TEXT PRIMARY KEY,
	name        TEXT NOT NULL,
	user_name   TEXT NOT NULL, -- '' for an agent's
	scopes      TEXT NOT NULL, -- JSON list
	digest      TEXT NOT NULL UNIQUE, -- SHA-256 of the token, in hex
	created_at  BIGINT NOT NULL,
	created_by  TEXT NOT NULL,
	expires_at  BIGINT NOT NULL, -- 0 for never
	used_at     BIGINT NOT NULL,
	revoked_at  BIGINT NOT NULL,
	replaced_by TEXT NOT NULL -- the id of the token that it was rotated to
);
CREATE INDEX tokens_name ON tokens (name);

CREATE TABLE sessions (
	id         TEXT PRIMARY KEY,
	digest     TEXT NOT NULL UNIQUE,
	user_name  TEXT NOT NULL,
	method     TEXT NOT NULL,
	remote     TEXT NOT NULL,
	user_agent TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	expires_at BIGINT NOT NULL,
	seen_at    BIGINT NOT NULL
);
CREATE INDEX sessions_user ON sessions (user_name);

CREATE TABLE links (
	digest     TEXT PRIMARY KEY,
	purpose    TEXT NOT NULL,
	user_name  TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	created_by TEXT NOT NULL,
	expires_at BIGINT NOT NULL,
	used_at    BIGINT NOT NULL
);

-- Ids of audit rows begin with their time in hex, so that their order is the order of time.
CREATE TABLE audit (
	id        TEXT PRIMARY KEY,
	at        BIGINT NOT NULL,
	actor     TEXT NOT NULL,
	method    TEXT NOT NULL,
	remote    TEXT NOT NULL,
	action    TEXT NOT NULL,
	target    TEXT NOT NULL,
	old_value TEXT NOT NULL, -- JSON, '' where there was nothing
	new_value TEXT NOT NULL
);
CREATE INDEX audit_target ON audit (target, id);
CREATE INDEX audit_actor ON audit (actor, id);

-- +goose Down
DROP TABLE audit;
DROP TABLE links;
DROP TABLE sessions;
DROP TABLE tokens;
DROP TABLE users;
