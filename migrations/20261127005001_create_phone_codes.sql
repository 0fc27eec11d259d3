-- Numbers that wait for their code: the event names the row, never the number.
CREATE TABLE phone_codes (
    -- What the event calls the verification.
    selector uuid PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    phone text NOT NULL CHECK (phone ~ '^\+[0-9]{7,15}$'),
    created_at timestamptz NOT NULL,
    -- When the proof was brought to the profile; once, so that a repeat undoes no later change.
    applied_at timestamptz
);

CREATE INDEX phone_codes_by_account ON phone_codes (account_id);
CREATE INDEX phone_codes_by_time ON phone_codes (created_at);

GRANT SELECT, INSERT, UPDATE, DELETE ON phone_codes TO polikrami_service;
