-- +goose Up

-- Where users have signed in from: whoever guesses elsewhere does not keep them out there.
CREATE TABLE sign_in_networks (
	user_name TEXT NOT NULL,
	network   TEXT NOT NULL, -- an address of IPv4, or a /64 of IPv6
	seen_at   BIGINT NOT NULL,
	PRIMARY KEY (user_name, network)
);

-- Of these rows a bounded number is kept.
CREATE INDEX audit_failed ON audit (id) WHERE action = 'sign-in.failed';

CREATE INDEX tokens_user ON tokens (user_name) WHERE user_name <> '';

-- +goose Down
DROP INDEX tokens_user;
DROP INDEX audit_failed;
DROP TABLE sign_in_networks;
