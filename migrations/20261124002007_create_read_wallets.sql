-- Balances: one row, so that they are read without adding up a history.
CREATE TABLE read.wallets (
    account_id uuid PRIMARY KEY,
    available bigint NOT NULL,
    reserved bigint NOT NULL,
    gifted bigint NOT NULL,
    purchased bigint NOT NULL,
    spent bigint NOT NULL,
    refunded bigint NOT NULL,
    entries bigint NOT NULL,
    updated_at timestamptz NOT NULL
);
ALTER TABLE read.wallets OWNER TO polikrami_service;
