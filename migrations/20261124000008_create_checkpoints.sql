-- How far each reader of the journal has come; one position, saved in the transaction of what it wrote.
CREATE TABLE checkpoints (
    reader text PRIMARY KEY,
    position bigint NOT NULL CHECK (position >= 0),
    updated_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50); -- Rows change all the time; the free half keeps the new versions on their page.

GRANT SELECT, INSERT, UPDATE, DELETE ON checkpoints TO polikrami_service;
