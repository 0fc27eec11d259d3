-- The journal: one wide insert-only table is read by stream (primary key) and by position, without any join.
CREATE TABLE events (
    aggregate_type text NOT NULL,
    aggregate_id text NOT NULL,
    sequence bigint NOT NULL CHECK (sequence >= 1),
    event_type text NOT NULL,
    event_version text NOT NULL,
    payload jsonb NOT NULL,
    metadata jsonb NOT NULL,
    position bigint NOT NULL CHECK (position >= 1),
    recorded_at timestamptz NOT NULL,
    leaf_hash bytea NOT NULL CHECK (octet_length(leaf_hash) = 32),
    PRIMARY KEY (aggregate_type, aggregate_id, sequence),
    -- The last fence: whatever goes wrong with the lock, two events never share a position.
    CONSTRAINT events_position_key UNIQUE (position)
);

COMMENT ON COLUMN events.position IS '1, 2, 3 ... without a gap, given under the journal''s lock: position order is commit order';
COMMENT ON COLUMN events.leaf_hash IS 'SHA-256(0x00 || RFC 8785 JSON of the other columns but position)';

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'table % is insert-only: % is refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'restrict_violation';
END
$$;

CREATE TRIGGER events_insert_only BEFORE UPDATE OR DELETE ON events
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER events_no_truncate BEFORE TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
-- ALWAYS: also in sessions that replay or restore.
ALTER TABLE events ENABLE ALWAYS TRIGGER events_insert_only;
ALTER TABLE events ENABLE ALWAYS TRIGGER events_no_truncate;

GRANT SELECT, INSERT ON events TO polikrami_service;
