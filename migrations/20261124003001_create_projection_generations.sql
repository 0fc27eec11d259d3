-- A read model's second generation stands in `shadow`; its position is its own, so that a killed rebuild goes on.
CREATE TABLE projection_generations (
    name text PRIMARY KEY,
    -- Of the fold that writes its rows; it can only be switched to by a release with that fold.
    version integer NOT NULL,
    state text NOT NULL CHECK (state IN ('building', 'built', 'kept')),
    position bigint NOT NULL DEFAULT 0 CHECK (position >= 0),
    -- The last comparison with the live rows: where both stood, and how many rows differed.
    compared_position bigint,
    differing bigint,
    started_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CHECK ((compared_position IS NULL) = (differing IS NULL))
) WITH (fillfactor = 50);

COMMENT ON COLUMN projection_generations.state IS 'building, built (complete, waits for a switch), or kept (was live until a switch)';

GRANT SELECT, INSERT, UPDATE, DELETE ON projection_generations TO polikrami_service;
