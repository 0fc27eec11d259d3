-- The pages that a payment provider opened. Token and address open the page for whoever holds them, so they are
-- kept beside the journal: its events carry only the token's digest.
CREATE TABLE checkouts (
    payment_id uuid PRIMARY KEY,
    token text NOT NULL,
    page_url text NOT NULL,
    expires_at timestamptz NOT NULL
);

GRANT SELECT, INSERT ON checkouts TO polikrami_service;
