-- The answer to a request with an Idempotency-Key, for its repeats. Unlogged: after a crash the handler answers again, under the same ids.
CREATE UNLOGGED TABLE idempotent_answers (
    -- A keyed digest of account and key: neither stands here.
    key bytea PRIMARY KEY CHECK (length(key) = 32),
    -- A keyed digest of method, path and body.
    fingerprint bytea NOT NULL CHECK (length(fingerprint) = 32),
    -- The attempt that has the key; a later one may have taken it over.
    claim uuid NOT NULL,
    -- Absent while the request runs.
    status smallint,
    headers jsonb,
    body bytea,
    -- Until then the request may run, or its answer is kept.
    ends_at timestamptz NOT NULL
);

CREATE INDEX idempotent_answers_by_end ON idempotent_answers (ends_at);

GRANT SELECT, INSERT, UPDATE, DELETE ON idempotent_answers TO polikrami_service;
