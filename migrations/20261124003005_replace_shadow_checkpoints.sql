-- Positions of second generations stand beside their versions now; what an interrupted rebuild left would look like a reader that lags.
DELETE FROM checkpoints WHERE reader LIKE 'shadow:%';
