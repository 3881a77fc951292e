-- +goose Up
CREATE TABLE dashboards (
	uid        TEXT PRIMARY KEY,
	title      TEXT NOT NULL,
	folder     TEXT NOT NULL, -- '' for none
	tags       TEXT NOT NULL, -- JSON list
	panels     INTEGER NOT NULL,
	base       TEXT NOT NULL, -- digest of the provisioned file that it was saved over, '' for none
	version    BIGINT NOT NULL,
	updated_at BIGINT NOT NULL,
	updated_by TEXT NOT NULL
);

CREATE TABLE dashboard_versions (
	uid        TEXT NOT NULL,
	version    BIGINT NOT NULL,
	content    TEXT NOT NULL, -- the JSON as it came
	size       BIGINT NOT NULL, -- bytes of content
	message    TEXT NOT NULL,
	updated_at BIGINT NOT NULL,
	updated_by TEXT NOT NULL,
	PRIMARY KEY (uid, version)
);

CREATE TABLE dashboard_stars (
	user_name TEXT NOT NULL,
	uid       TEXT NOT NULL,
	PRIMARY KEY (user_name, uid)
);
CREATE INDEX dashboard_stars_by_uid ON dashboard_stars (uid);

-- Read-only links to one dashboard.
CREATE TABLE dashboard_shares (
	id         TEXT PRIMARY KEY,
	uid        TEXT NOT NULL,
	digest     TEXT NOT NULL UNIQUE, -- SHA-256 of the token, in hex
	created_at BIGINT NOT NULL,
	created_by TEXT NOT NULL,
	expires_at BIGINT NOT NULL
);
CREATE INDEX dashboard_shares_by_uid ON dashboard_shares (uid);

-- +goose Down
DROP TABLE dashboard_shares;
DROP TABLE dashboard_stars;
DROP TABLE dashboard_versions;
DROP TABLE dashboards;
