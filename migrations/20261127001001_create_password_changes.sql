-- A new password waits here until the journal has decided that it counts: the event names the row, never the hash.
CREATE TABLE password_changes (
    -- What the event calls the credential.
    id uuid PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    password_hash text NOT NULL,
    -- The session that goes on; all others end with the old password.
    kept_session uuid,
    created_at timestamptz NOT NULL
);

CREATE INDEX password_changes_by_time ON password_changes (created_at);

GRANT SELECT, INSERT, UPDATE, DELETE ON password_changes TO polikrami_service;
