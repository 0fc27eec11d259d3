-- What an order must remember of a person (name, address, message) and must be able to forget: events keep only its digest.
CREATE TABLE personal_records (
    id uuid PRIMARY KEY,
    account_id uuid NOT NULL,
    kind text NOT NULL,
    body jsonb NOT NULL,
    -- Erased with the row: without it the digest in the event reveals nothing.
    salt bytea NOT NULL CHECK (length(salt) = 32),
    digest text NOT NULL CHECK (digest ~ '^[0-9a-f]{64}$'),
    created_at timestamptz NOT NULL
);

CREATE INDEX personal_records_by_account ON personal_records (account_id, kind, created_at DESC);

CREATE TRIGGER personal_records_no_update BEFORE UPDATE ON personal_records
    FOR EACH ROW EXECUTE FUNCTION refuse_update();
ALTER TABLE personal_records ENABLE ALWAYS TRIGGER personal_records_no_update;

-- DELETE is for erasure.
GRANT SELECT, INSERT, DELETE ON personal_records TO polikrami_service;
