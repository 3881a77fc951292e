-- +goose Up
-- The silence of an occurrence is claimed before it is made. One whose window was
-- changed meanwhile has a row of its own until it has been ended.
ALTER TABLE maintenance_silences RENAME TO maintenance_silences_before;
CREATE TABLE maintenance_silences (
	source  TEXT NOT NULL, -- api/ID or file/NAME
	begins  BIGINT NOT NULL,
	digest  TEXT NOT NULL, -- of what the silence is made of; '' for those of before
	ends    BIGINT NOT NULL,
	silence TEXT NOT NULL, -- '' before it is made, and once it has been ended
	lease   BIGINT NOT NULL, -- until when a replica is making it
	PRIMARY KEY (source, begins, digest)
);
INSERT INTO maintenance_silences (source, begins, digest, ends, silence, lease)
	SELECT source, begins, '', ends, silence, 0 FROM maintenance_silences_before;
DROP TABLE maintenance_silences_before;

-- +goose Down
ALTER TABLE maintenance_silences RENAME TO maintenance_silences_after;
CREATE TABLE maintenance_silences (
	source     TEXT NOT NULL,
	begins     BIGINT NOT NULL,
	ends       BIGINT NOT NULL,
	silence    TEXT NOT NULL,
	noticed    INTEGER NOT NULL,
	PRIMARY KEY (source, begins)
);
INSERT INTO maintenance_silences (source, begins, ends, silence, noticed)
	SELECT source, begins, MAX(ends), MAX(silence), 0 FROM maintenance_silences_after GROUP BY source, begins;
DROP TABLE maintenance_silences_after;
