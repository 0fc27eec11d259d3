-- The address book: personal data, so a plain row that can be changed and erased. Drafts copy it, and never refer to it.
CREATE TABLE addresses (
    id uuid PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    label text,
    full_name text NOT NULL,
    phone text NOT NULL,
    line1 text NOT NULL,
    line2 text,
    city text NOT NULL,
    district_name text,
    postal_code text,
    country text NOT NULL CHECK (country ~ '^[A-Z]{2}$'),
    -- Ids of the list of places that the service carries with it.
    province_id integer,
    town_id integer,
    district_id integer,
    quarter_id integer,
    is_default boolean NOT NULL,
    -- Digest of what was asked for: tells a repeat from another request under the same key.
    created_from text NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);

CREATE UNIQUE INDEX addresses_one_default ON addresses (account_id) WHERE is_default;
CREATE INDEX addresses_by_account ON addresses (account_id, created_at DESC);

GRANT SELECT, INSERT, UPDATE, DELETE ON addresses TO polikrami_service;
