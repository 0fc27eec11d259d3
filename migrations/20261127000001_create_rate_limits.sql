-- How often somebody did something in the current window; shared by all processes. Unlogged: a crash forgives.
CREATE UNLOGGED TABLE rate_limits (
    -- A keyed digest of limit and subject: no address stands here.
    key bytea PRIMARY KEY CHECK (length(key) = 16),
    used integer NOT NULL,
    ends_at timestamptz NOT NULL
) WITH (fillfactor = 50);

CREATE INDEX rate_limits_by_end ON rate_limits (ends_at);

GRANT SELECT, INSERT, UPDATE, DELETE ON rate_limits TO polikrami_service;
