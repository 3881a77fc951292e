-- +goose Up

-- When the rule had to fire: the end of its "for" after the first bad sample. What is older does not know; its sample_at is that instant.
ALTER TABLE incidents ADD COLUMN due_at BIGINT NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE incidents DROP COLUMN due_at;
