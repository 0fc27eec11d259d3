-- Which events each flow has handled, kept beside the journal so that a lost message queue loses nothing.
CREATE TABLE saga_progress (
    saga text PRIMARY KEY,
    -- Every event up to here that concerns the flow was handled.
    handled_up_to bigint NOT NULL CHECK (handled_up_to >= 0),
    updated_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50);

-- Handled events above that mark; swept when the mark moves on.
CREATE TABLE saga_handled (
    saga text NOT NULL,
    position bigint NOT NULL,
    PRIMARY KEY (saga, position)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON saga_progress TO polikrami_service;
GRANT SELECT, INSERT, DELETE ON saga_handled TO polikrami_service;
