-- Which public file is a person's picture: replaced and removed by its owner.
CREATE TABLE avatars (
    account_id uuid PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
    -- Key in the store of public files.
    file text NOT NULL,
    stored_at timestamptz NOT NULL
);

GRANT SELECT, INSERT, UPDATE, DELETE ON avatars TO polikrami_service;
