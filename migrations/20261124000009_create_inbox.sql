-- What a flow has begun and finished: the durable intent before each step, and the proof against doing it twice.
CREATE TABLE inbox (
    saga text NOT NULL,
    position bigint NOT NULL,
    action_index integer NOT NULL CHECK (action_index >= 0),
    attempts integer NOT NULL CHECK (attempts >= 1),
    started_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    outcome jsonb,
    PRIMARY KEY (saga, position, action_index),
    CHECK ((finished_at IS NULL) = (outcome IS NULL))
) WITH (fillfactor = 70);

GRANT SELECT, INSERT, UPDATE ON inbox TO polikrami_service;
