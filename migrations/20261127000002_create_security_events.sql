-- Who logged in, failed, was thrown out or given a role, and from where: for the person and for the auditor.
CREATE TABLE security_events (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL,
    -- Absent where the address that was given has no account.
    account_id uuid,
    kind text NOT NULL,
    client_ip inet,
    user_agent text CHECK (length(user_agent) <= 256),
    session_id uuid,
    request_id uuid NOT NULL
);

CREATE INDEX security_events_by_account ON security_events (account_id, id DESC);
CREATE INDEX security_events_by_age ON security_events (at);

CREATE TRIGGER security_events_no_update BEFORE UPDATE ON security_events
    FOR EACH ROW EXECUTE FUNCTION refuse_update();
ALTER TABLE security_events ENABLE ALWAYS TRIGGER security_events_no_update;

-- DELETE is for erasure and for what is too old to be kept.
GRANT SELECT, INSERT, DELETE ON security_events TO polikrami_service;
