-- Commands that are due later. Rows, not sleeping tasks: they outlive the process, and one owner fires them.
CREATE TABLE timers (
    id uuid PRIMARY KEY,
    due_at timestamptz NOT NULL,
    command jsonb NOT NULL,
    context jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    -- When it is tried next; due_at until an attempt fails.
    next_attempt_at timestamptz NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    last_error text,
    fired_at timestamptz,
    -- 'committed', the code of a refusal, or 'dead_letter'.
    outcome text,
    CHECK ((fired_at IS NULL) = (outcome IS NULL))
) WITH (fillfactor = 70);

CREATE INDEX timers_waiting ON timers (next_attempt_at, id) WHERE fired_at IS NULL;

GRANT SELECT, INSERT, UPDATE ON timers TO polikrami_service;
