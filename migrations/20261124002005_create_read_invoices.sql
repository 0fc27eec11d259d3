-- Issued invoices with the figures that they show.
CREATE TABLE read.invoices (
    number text PRIMARY KEY,
    order_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    payment_id uuid NOT NULL,
    lines jsonb NOT NULL,
    net_cents bigint NOT NULL,
    vat_cents bigint NOT NULL,
    gross_cents bigint NOT NULL,
    currency text NOT NULL,
    issued_on date NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE INDEX ON read.invoices (customer_id, created_at DESC, number);
ALTER TABLE read.invoices OWNER TO polikrami_service;
