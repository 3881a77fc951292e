-- +goose Up

-- Which replicas have a window of their file in force, so that one whose file is
-- another leaves its silence alone.
CREATE TABLE maintenance_wants (
	source  TEXT NOT NULL,
	begins  BIGINT NOT NULL,
	digest  TEXT NOT NULL,
	replica TEXT NOT NULL,
	at      BIGINT NOT NULL, -- when the replica last said so
	PRIMARY KEY (source, begins, digest, replica)
);

-- +goose Down
DROP TABLE maintenance_wants;
