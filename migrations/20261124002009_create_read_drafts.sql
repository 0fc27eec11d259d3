-- Drafts as their owners see them; addresses and card texts are references to personal data.
CREATE TABLE read.drafts (
    id uuid PRIMARY KEY,
    customer_id uuid NOT NULL,
    method text NOT NULL,
    size text NOT NULL,
    workflow_status text NOT NULL,
    message_card jsonb,
    shipping jsonb,
    billing jsonb,
    picture jsonb,
    generations integer NOT NULL,
    generating uuid,
    order_id uuid,
    cancel_reason text,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    committed_at timestamptz
);
CREATE INDEX ON read.drafts (customer_id, created_at DESC, id);
ALTER TABLE read.drafts OWNER TO polikrami_service;
