-- The keys that sign access tokens, so that they can be replaced while people are logged in. Each is encrypted with a
-- key that is not in the database.
CREATE TABLE signing_keys (
    kid text PRIMARY KEY CHECK (kid ~ '^[0-9a-f]{16}$'),
    wrapped bytea NOT NULL,
    created_at timestamptz NOT NULL,
    -- A little later than made: until then every process has learnt to accept it.
    signs_from timestamptz NOT NULL,
    -- Set when a newer one takes over: as long as tokens of this one may live.
    accepted_until timestamptz
);

GRANT SELECT, INSERT, UPDATE, DELETE ON signing_keys TO polikrami_service;
