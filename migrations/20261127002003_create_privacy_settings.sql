-- What others may see of a person; without a row, the defaults of the code hold.
CREATE TABLE privacy_settings (
    account_id uuid PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
    show_email boolean NOT NULL,
    show_phone boolean NOT NULL,
    show_address boolean NOT NULL,
    show_portfolio boolean NOT NULL,
    updated_at timestamptz NOT NULL
);

GRANT SELECT, INSERT, UPDATE, DELETE ON privacy_settings TO polikrami_service;
