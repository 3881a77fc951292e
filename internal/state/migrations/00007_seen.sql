-- +goose Up

-- When a replica last knew a firing alert; 0 where none has said so.
ALTER TABLE incident_alerts ADD COLUMN seen BIGINT NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE incident_alerts DROP COLUMN seen;
