-- A new password waits here until the journal has decided that it counts: the event names the row, never the hash.
CREATE TABLE password_changes (
    -- What the event calls the credential.
    id uuid PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    -- Gone once it is in force: the account has it then.
    password_hash text,
    applied_at timestamptz,
    -- The session that goes on; all others end with the old password.
    kept_session uuid,
    created_at timestamptz NOT NULL,
    CHECK ((password_hash IS NULL) = (applied_at IS NOT NULL))
);

CREATE INDEX password_changes_by_time ON password_changes (created_at);

GRANT SELECT, INSERT, UPDATE, DELETE ON password_changes TO polikrami_service;
