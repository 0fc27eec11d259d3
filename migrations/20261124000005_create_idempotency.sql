-- A request that is sent twice gets its first answer: the answer is stored in the commit of its command.
CREATE TABLE idempotency (
    scope text NOT NULL,
    key text NOT NULL,
    fingerprint text NOT NULL,
    answer jsonb NOT NULL,
    command_id text NOT NULL,
    -- The last event of the command; absent when it wrote none.
    position bigint,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (scope, key)
);

CREATE INDEX idempotency_by_age ON idempotency (recorded_at);

CREATE FUNCTION refuse_update() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of table % do not change: % is refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'restrict_violation';
END
$$;

CREATE TRIGGER idempotency_no_update BEFORE UPDATE ON idempotency
    FOR EACH ROW EXECUTE FUNCTION refuse_update();
ALTER TABLE idempotency ENABLE ALWAYS TRIGGER idempotency_no_update;

-- DELETE is for expiry.
GRANT SELECT, INSERT, DELETE ON idempotency TO polikrami_service;
