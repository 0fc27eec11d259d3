-- Steps that failed for good: an operator reads them, replays them or gives them up; nothing is dropped in silence.
CREATE TABLE dead_letters (
    id uuid PRIMARY KEY,
    flow text NOT NULL,
    -- The event that caused the step; absent for a timer that no event started.
    position bigint,
    action_index integer NOT NULL,
    action jsonb NOT NULL,
    error text NOT NULL,
    attempts integer NOT NULL,
    first_at timestamptz NOT NULL,
    last_at timestamptz NOT NULL,
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'replayed', 'discarded')),
    resolution text,
    resolved_at timestamptz,
    CHECK ((state = 'open') = (resolved_at IS NULL))
);

CREATE INDEX dead_letters_open ON dead_letters (flow, first_at) WHERE state = 'open';

GRANT SELECT, INSERT, UPDATE ON dead_letters TO polikrami_service;
