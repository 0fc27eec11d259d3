-- Every call that claims to come from a payment provider is kept as it came in, also those that were refused.
CREATE TABLE callback_log (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    received_at timestamptz NOT NULL,
    source text NOT NULL,
    -- The token itself would be a key to the payment.
    token_sha256 text CHECK (token_sha256 ~ '^[0-9a-f]{64}$'),
    payment_id uuid,
    outcome text NOT NULL,
    client_ip inet,
    request_id text NOT NULL
);

CREATE INDEX callback_log_by_payment ON callback_log (payment_id, id);
CREATE INDEX callback_log_by_age ON callback_log (received_at);

CREATE TRIGGER callback_log_no_update BEFORE UPDATE ON callback_log
    FOR EACH ROW EXECUTE FUNCTION refuse_update();
ALTER TABLE callback_log ENABLE ALWAYS TRIGGER callback_log_no_update;

GRANT SELECT, INSERT ON callback_log TO polikrami_service;
