-- Requests for AI pictures, with what was delivered.
CREATE TABLE read.ai_jobs (
    id uuid PRIMARY KEY,
    draft_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    status text NOT NULL,
    count integer NOT NULL,
    cost integer NOT NULL,
    prompt text NOT NULL,
    negative_prompt text,
    seed bigint NOT NULL,
    images jsonb NOT NULL,
    failures jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    finished_at timestamptz
);
CREATE INDEX ON read.ai_jobs (draft_id, created_at DESC, id);
ALTER TABLE read.ai_jobs OWNER TO polikrami_service;
