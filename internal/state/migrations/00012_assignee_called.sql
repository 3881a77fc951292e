-- +goose Up

-- That somebody was called because an incident is theirs is one name with what is shown of it.
UPDATE incident_events SET kind = 'assignee_called' WHERE kind = 'assignee_told';

-- +goose Down
UPDATE incident_events SET kind = 'assignee_told' WHERE kind = 'assignee_called';
