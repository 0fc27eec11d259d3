-- What a person tells of themselves beside the credentials: personal data, so a plain row that can be changed and erased.
CREATE TABLE profiles (
    account_id uuid PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
    phone text,
    -- Of exactly this number: another one has to be proven anew.
    phone_verified_at timestamptz,
    company text,
    address1 text,
    address2 text,
    city text,
    state text,
    postal_code text,
    country text CHECK (country ~ '^[A-Z]{2}$'),
    preferences jsonb CHECK (jsonb_typeof(preferences) = 'object'),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CHECK (phone IS NOT NULL OR phone_verified_at IS NULL)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON profiles TO polikrami_service;
