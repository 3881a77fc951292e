-- +goose Up
CREATE TABLE maintenance_windows (
	id         BIGINT PRIMARY KEY,
	name       TEXT NOT NULL,
	matchers   TEXT NOT NULL, -- JSON: a list of texts
	time_zone  TEXT NOT NULL,
	start_at   BIGINT NOT NULL,
	duration   BIGINT NOT NULL, -- microseconds
	rrule      TEXT NOT NULL, -- "" for once
	comment    TEXT NOT NULL,
	created_by TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	ended_at   BIGINT NOT NULL, -- by hand, 0 for not
	version    BIGINT NOT NULL
);
CREATE INDEX maintenance_windows_by_end ON maintenance_windows (ended_at, id);

-- The silences that occurrences of windows have made.
CREATE TABLE maintenance_silences (
	source     TEXT NOT NULL, -- api/ID or file/NAME
	begins     BIGINT NOT NULL,
	ends       BIGINT NOT NULL,
	silence    TEXT NOT NULL, -- "" once it has been ended
	noticed    INTEGER NOT NULL, -- whether its end was announced
	PRIMARY KEY (source, begins)
);

CREATE TABLE deployments (
	id       BIGINT PRIMARY KEY,
	at       BIGINT NOT NULL,
	ended_at BIGINT NOT NULL, -- 0 for not known
	title    TEXT NOT NULL,
	labels   TEXT NOT NULL, -- JSON
	actor    TEXT NOT NULL,
	failed   INTEGER NOT NULL
);
CREATE INDEX deployments_by_at ON deployments (at, id);

-- Who stands in for whom, by API.
CREATE TABLE schedule_overrides (
	id         BIGINT PRIMARY KEY,
	schedule   TEXT NOT NULL,
	person     TEXT NOT NULL,
	from_at    BIGINT NOT NULL,
	to_at      BIGINT NOT NULL,
	created_by TEXT NOT NULL
);
CREATE INDEX schedule_overrides_by_schedule ON schedule_overrides (schedule, to_at);

-- +goose Down
DROP TABLE schedule_overrides;
DROP TABLE deployments;
DROP TABLE maintenance_silences;
DROP TABLE maintenance_windows;
