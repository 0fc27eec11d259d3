-- Orders as buyers see them. Index names are left to the server: a rebuilt table then gets the same ones.
CREATE TABLE read.orders (
    id uuid PRIMARY KEY,
    number text NOT NULL UNIQUE,
    customer_id uuid NOT NULL,
    draft_id uuid NOT NULL,
    method text NOT NULL,
    size text NOT NULL,
    status text NOT NULL,
    fulfilment text NOT NULL,
    total_cents bigint NOT NULL,
    currency text NOT NULL,
    lines jsonb NOT NULL,
    picture jsonb NOT NULL,
    shipping jsonb NOT NULL,
    billing jsonb NOT NULL,
    message jsonb,
    cancel_reason text,
    open_payment_id uuid,
    payment_id uuid,
    invoice_number text,
    created_at timestamptz NOT NULL,
    paid_at timestamptz,
    updated_at timestamptz NOT NULL
);
CREATE INDEX ON read.orders (customer_id, created_at DESC, id);
CREATE INDEX ON read.orders (draft_id);
ALTER TABLE read.orders OWNER TO polikrami_service;
