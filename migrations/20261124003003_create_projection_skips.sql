-- Events that an operator left out of a read model: who, when and why must stay on record, and every rebuild obeys.
CREATE TABLE projection_skips (
    projection text NOT NULL,
    position bigint NOT NULL CHECK (position >= 1),
    reason text NOT NULL CHECK (reason <> ''),
    skipped_by text NOT NULL CHECK (skipped_by <> ''),
    -- What it was stopped by.
    cause text NOT NULL,
    skipped_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (projection, position)
);

CREATE TRIGGER projection_skips_insert_only BEFORE UPDATE OR DELETE ON projection_skips
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER projection_skips_no_truncate BEFORE TRUNCATE ON projection_skips
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE projection_skips ENABLE ALWAYS TRIGGER projection_skips_insert_only;
ALTER TABLE projection_skips ENABLE ALWAYS TRIGGER projection_skips_no_truncate;

GRANT SELECT, INSERT ON projection_skips TO polikrami_service;
