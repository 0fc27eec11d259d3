-- An attempt that ended without saying whether it acted must be known later: a mail cannot be asked for.
ALTER TABLE inbox
    -- Attempts whose end is known; fewer than attempts when a process died in the middle of one.
    ADD COLUMN failures integer NOT NULL DEFAULT 0,
    ADD COLUMN may_have_happened boolean NOT NULL DEFAULT false;
