-- Credentials are personal data: they live in a plain row that can be changed and erased, never in an event.
CREATE TABLE accounts (
    id uuid PRIMARY KEY,
    -- As typed; uniqueness is a claim in the journal, not here: a row without its claim is an orphan that nobody finds.
    email text NOT NULL CHECK (length(email) <= 254),
    name text CHECK (length(name) BETWEEN 2 AND 100),
    password_hash text NOT NULL,
    -- What the event `registered` says, for tokens; written before it.
    role text NOT NULL CHECK (role IN ('customer', 'designer', 'admin', 'auditor')),
    locale text NOT NULL DEFAULT 'tr' CHECK (locale IN ('tr', 'en')),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);

GRANT SELECT, INSERT, UPDATE, DELETE ON accounts TO polikrami_service;
