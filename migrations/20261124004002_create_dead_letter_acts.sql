-- Who did what about a dead letter, when and why: an operator's act is as much a record as an event.
CREATE TABLE dead_letter_acts (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    letter_id uuid NOT NULL REFERENCES dead_letters (id),
    at timestamptz NOT NULL,
    act text NOT NULL CHECK (act IN
        ('corrected', 'replay_requested', 'replayed', 'replay_failed', 'replay_withdrawn', 'discarded')),
    by text NOT NULL,
    reason text NOT NULL,
    replay integer,
    -- A correction's action, or a replay's error, as it was and as it became.
    before jsonb,
    after jsonb
);

CREATE INDEX dead_letter_acts_by_letter ON dead_letter_acts (letter_id, id);

CREATE TRIGGER dead_letter_acts_insert_only BEFORE UPDATE OR DELETE ON dead_letter_acts
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER dead_letter_acts_no_truncate BEFORE TRUNCATE ON dead_letter_acts
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE dead_letter_acts ENABLE ALWAYS TRIGGER dead_letter_acts_insert_only;
ALTER TABLE dead_letter_acts ENABLE ALWAYS TRIGGER dead_letter_acts_no_truncate;

GRANT SELECT, INSERT ON dead_letter_acts TO polikrami_service;
