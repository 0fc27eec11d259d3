-- A replay is an attempt of its own: its key is the dead letter (flow, position, action) and its number.
CREATE TABLE dead_letter_replays (
    -- The order in which replays were asked for, and are done.
    id bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    letter_id uuid NOT NULL REFERENCES dead_letters (id),
    replay integer NOT NULL CHECK (replay >= 1),
    flow text NOT NULL,
    -- Replays that were asked for together, and how many of them may fail before the rest is withdrawn.
    batch uuid,
    failures_max integer CHECK (failures_max >= 1),
    requested_at timestamptz NOT NULL,
    requested_by text NOT NULL,
    reason text NOT NULL,
    -- The operator's word that an earlier attempt with an unknown end had no effect.
    it_did_not_happen boolean NOT NULL DEFAULT false,
    -- The intent: how often it was begun, above 1 after a crash in the middle.
    starts integer NOT NULL DEFAULT 0,
    started_at timestamptz,
    finished_at timestamptz,
    result text CHECK (result IN ('done', 'nothing_to_do', 'refused', 'failed', 'withdrawn')),
    outcome text,
    -- It failed in such a way that its effect may be there all the same.
    may_have_happened boolean NOT NULL DEFAULT false,
    PRIMARY KEY (letter_id, replay),
    CHECK ((finished_at IS NULL) = (result IS NULL)),
    CHECK ((finished_at IS NULL) = (outcome IS NULL))
) WITH (fillfactor = 70);

-- Whoever asks at the same time: one attempt.
CREATE UNIQUE INDEX dead_letter_replays_one ON dead_letter_replays (letter_id) WHERE finished_at IS NULL;
CREATE INDEX dead_letter_replays_waiting ON dead_letter_replays (flow, id) WHERE finished_at IS NULL;
CREATE INDEX dead_letter_replays_batch ON dead_letter_replays (batch) WHERE batch IS NOT NULL;

GRANT SELECT, INSERT, UPDATE ON dead_letter_replays TO polikrami_service;
