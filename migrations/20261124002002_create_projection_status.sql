-- Whether each read model is being kept up to date, and if not, at which event it stopped and why.
CREATE TABLE projection_status (
    name text PRIMARY KEY,
    -- Of the fold that wrote the rows; another one in the code asks for a rebuild.
    version integer NOT NULL,
    state text NOT NULL DEFAULT 'live' CHECK (state IN ('live', 'stopped')),
    failed_position bigint,
    cause text,
    updated_at timestamptz NOT NULL DEFAULT now(),
    CHECK ((state = 'stopped') = (failed_position IS NOT NULL AND cause IS NOT NULL))
);

GRANT SELECT, INSERT, UPDATE ON projection_status TO polikrami_service;
