-- +goose Up
CREATE TABLE incidents (
	id              BIGINT PRIMARY KEY,
	title           TEXT NOT NULL,
	severity        TEXT NOT NULL,
	labels          TEXT NOT NULL, -- JSON: what all alerts have in common
	search          TEXT NOT NULL, -- title and labels in lower case
	state           TEXT NOT NULL, -- firing, acknowledged, resolved, closed, merged
	sample_at       BIGINT NOT NULL, -- timestamp of the first bad sample, 0 where it is not known
	decided_at      BIGINT NOT NULL, -- when the rule had been evaluated, 0 where it is not known
	opened_at       BIGINT NOT NULL,
	notified_at     BIGINT NOT NULL, -- when a receiver first took it, 0 for not yet
	acknowledged_at BIGINT NOT NULL, -- first
	acknowledged_by TEXT NOT NULL,
	assignee        TEXT NOT NULL,
	snoozed_until   BIGINT NOT NULL,
	resolved_at     BIGINT NOT NULL, -- when its last alert ended
	closed_at       BIGINT NOT NULL,
	verdict         TEXT NOT NULL, -- "", real, false_alarm
	merged_into     BIGINT NOT NULL,
	flaps           INTEGER NOT NULL,
	events          INTEGER NOT NULL, -- of the timeline
	version         BIGINT NOT NULL,
	updated_at      BIGINT NOT NULL
);
CREATE INDEX incidents_by_state ON incidents (state, id);
CREATE INDEX incidents_by_opened ON incidents (opened_at, id);
CREATE INDEX incidents_by_resolved ON incidents (state, resolved_at);

-- The groups whose alerts belong to an incident that is not over. An incident
-- that has resolved keeps its groups for as long as flapping is waited for.
CREATE TABLE incident_groups (
	group_key   TEXT PRIMARY KEY,
	group_hash  TEXT NOT NULL, -- what signed links name a group by
	incident_id BIGINT NOT NULL,
	receiver    TEXT NOT NULL,
	labels      TEXT NOT NULL
);
CREATE INDEX incident_groups_by_incident ON incident_groups (incident_id);
CREATE INDEX incident_groups_by_hash ON incident_groups (group_hash);

CREATE TABLE incident_alerts (
	incident_id BIGINT NOT NULL,
	fingerprint TEXT NOT NULL,
	name        TEXT NOT NULL,
	severity    TEXT NOT NULL,
	labels      TEXT NOT NULL,
	annotations TEXT NOT NULL,
	generator   TEXT NOT NULL,
	starts_at   BIGINT NOT NULL,
	ends_at     BIGINT NOT NULL, -- 0 while it fires
	fired       INTEGER NOT NULL, -- how often
	PRIMARY KEY (incident_id, fingerprint)
);
CREATE INDEX incident_alerts_by_fingerprint ON incident_alerts (fingerprint, incident_id);
CREATE INDEX incident_alerts_by_name ON incident_alerts (name, starts_at);

CREATE TABLE incident_events (
	incident_id BIGINT NOT NULL,
	seq         INTEGER NOT NULL,
	at          BIGINT NOT NULL,
	kind        TEXT NOT NULL,
	actor       TEXT NOT NULL,
	data        TEXT NOT NULL,
	PRIMARY KEY (incident_id, seq)
);

CREATE TABLE notifications (
	id          BIGINT PRIMARY KEY,
	at          BIGINT NOT NULL,
	receiver    TEXT NOT NULL,
	integration TEXT NOT NULL,
	group_key   TEXT NOT NULL,
	group_labels TEXT NOT NULL,
	incident_id BIGINT NOT NULL, -- 0 for none
	firing      INTEGER NOT NULL,
	resolved    INTEGER NOT NULL,
	took        BIGINT NOT NULL, -- microseconds
	error       TEXT NOT NULL,
	way         TEXT NOT NULL -- JSON, "" where nothing was timed
);
CREATE INDEX notifications_by_at ON notifications (at, id);
CREATE INDEX notifications_by_receiver ON notifications (receiver, at, id);
CREATE INDEX notifications_by_incident ON notifications (incident_id, at, id);
CREATE INDEX notifications_failed ON notifications (at, id) WHERE error <> '';
CREATE INDEX notifications_failed_by_receiver ON notifications (receiver, at, id) WHERE error <> '';

-- Where the escalation of an incident stands.
CREATE TABLE escalations (
	incident_id BIGINT PRIMARY KEY,
	policy      TEXT NOT NULL,
	run         INTEGER NOT NULL, -- how often it has begun
	step        INTEGER NOT NULL,
	turn        INTEGER NOT NULL, -- of the step's repetitions
	due         BIGINT NOT NULL, -- 0 where nothing is to come
	lease       BIGINT NOT NULL, -- until when a replica is carrying it out
	told        TEXT NOT NULL -- JSON: by receiver, the key under which it was told
);
CREATE INDEX escalations_by_due ON escalations (due);

CREATE TABLE link_keys (
	id         BIGINT PRIMARY KEY,
	secret     TEXT NOT NULL,
	created_at BIGINT NOT NULL
);

-- +goose Down
DROP TABLE link_keys;
DROP TABLE escalations;
DROP TABLE notifications;
DROP TABLE incident_events;
DROP TABLE incident_alerts;
DROP TABLE incident_groups;
DROP TABLE incidents;
