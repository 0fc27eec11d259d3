-- The history of each wallet; the entries of an account add up to what it can spend.
CREATE TABLE read.wallet_entries (
    position bigint PRIMARY KEY,
    account_id uuid NOT NULL,
    kind text NOT NULL,
    delta bigint NOT NULL,
    reference text NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE INDEX ON read.wallet_entries (account_id, position DESC);
ALTER TABLE read.wallet_entries OWNER TO polikrami_service;
