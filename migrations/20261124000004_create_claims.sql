-- Uniqueness across streams (e-mail, invoice number): the row is taken in the commit of the command that needs it.
CREATE TABLE claims (
    scope text NOT NULL,
    key text NOT NULL,
    owner_type text NOT NULL,
    owner_id text NOT NULL,
    command_id text NOT NULL,
    claimed_at timestamptz NOT NULL,
    PRIMARY KEY (scope, key)
);

CREATE TRIGGER claims_insert_only BEFORE UPDATE OR DELETE ON claims
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER claims_no_truncate BEFORE TRUNCATE ON claims
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE claims ENABLE ALWAYS TRIGGER claims_insert_only;
ALTER TABLE claims ENABLE ALWAYS TRIGGER claims_no_truncate;

GRANT SELECT, INSERT ON claims TO polikrami_service;
