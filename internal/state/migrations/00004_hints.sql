-- +goose Up
CREATE TABLE hints (
	incident_id BIGINT NOT NULL,
	rank        INTEGER NOT NULL, -- from 1
	kind        TEXT NOT NULL, -- alert, scrape, shift, deploy
	title       TEXT NOT NULL,
	data        TEXT NOT NULL, -- JSON
	at          BIGINT NOT NULL,
	score       DOUBLE PRECISION NOT NULL,
	verdict     TEXT NOT NULL, -- "", right, wrong
	judged_by   TEXT NOT NULL,
	PRIMARY KEY (incident_id, rank)
);

-- +goose Down
DROP TABLE hints;
