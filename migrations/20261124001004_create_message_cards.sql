-- The cards that can be put beside a cover; an order copies title and price, so a later change never reaches it.
CREATE TABLE message_cards (
    id uuid PRIMARY KEY,
    title text NOT NULL CHECK (length(title) BETWEEN 1 AND 200),
    thumbnail_url text NOT NULL,
    price_cents bigint NOT NULL CHECK (price_cents >= 0),
    is_published boolean NOT NULL,
    created_at timestamptz NOT NULL
);

GRANT SELECT, INSERT, UPDATE ON message_cards TO polikrami_service;
