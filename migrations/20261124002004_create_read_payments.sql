-- Attempts to pay; the provider's page and token are in no read model.
CREATE TABLE read.payments (
    id uuid PRIMARY KEY,
    order_id uuid NOT NULL,
    order_number text NOT NULL,
    customer_id uuid NOT NULL,
    provider text NOT NULL,
    status text NOT NULL,
    amount_cents bigint NOT NULL,
    currency text NOT NULL,
    page_expires_at timestamptz,
    failure_code text,
    review_reason text,
    provider_payment_id text,
    card text,
    refund_reference text,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX ON read.payments (order_id, created_at DESC, id);
ALTER TABLE read.payments OWNER TO polikrami_service;
