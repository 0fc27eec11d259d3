-- A writer must notice that the table behind its checkpoint is another one, even where the position is the same.
ALTER TABLE checkpoints ADD COLUMN generation bigint NOT NULL DEFAULT 0;

COMMENT ON COLUMN checkpoints.generation IS 'counts the switches of a read model; its writer moves only the one that it knows';
