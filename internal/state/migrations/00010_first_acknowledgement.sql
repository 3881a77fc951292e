-- +goose Up

-- When somebody first acknowledged it, or what it was merged into; it stays when the incident is given back.
ALTER TABLE incidents ADD COLUMN first_acknowledged_at BIGINT NOT NULL DEFAULT 0;
UPDATE incidents SET first_acknowledged_at = acknowledged_at;
CREATE INDEX incidents_by_merged_into ON incidents (merged_into) WHERE merged_into > 0;

-- +goose Down
DROP INDEX incidents_by_merged_into;
ALTER TABLE incidents DROP COLUMN first_acknowledged_at;
