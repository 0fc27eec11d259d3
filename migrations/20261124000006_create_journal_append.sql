-- One call appends a batch: the lock, the positions and all rows of many commands, in one round trip and one flush.
CREATE FUNCTION journal_lock() RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS 'SELECT 8099850412105887597';

-- Must run in READ COMMITTED: the statement after the lock then sees what the last holder committed.
-- The primary keys are the only check here; whoever gets 23505 repeats the batch through journal_append_checked.
-- Answers the position before the first row.
CREATE FUNCTION journal_append(
    aggregate_types text[], aggregate_ids text[], sequences bigint[], event_types text[], event_versions text[],
    payloads text[], metadatas text[], recorded_ats timestamptz[], leaf_hashes bytea[],
    claim_scopes text[] DEFAULT '{}', claim_keys text[] DEFAULT '{}', claim_owner_types text[] DEFAULT '{}',
    claim_owner_ids text[] DEFAULT '{}', claim_command_ids text[] DEFAULT '{}', claimed_ats timestamptz[] DEFAULT '{}',
    answer_scopes text[] DEFAULT '{}', answer_keys text[] DEFAULT '{}', answer_fingerprints text[] DEFAULT '{}',
    answers text[] DEFAULT '{}', answer_command_ids text[] DEFAULT '{}', answer_last_rows bigint[] DEFAULT '{}',
    answered_ats timestamptz[] DEFAULT '{}'
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    base bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(journal_lock());
    SELECT coalesce(max(position), 0) INTO base FROM events;
    INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version,
                        payload, metadata, position, recorded_at, leaf_hash)
        SELECT r.aggregate_type, r.aggregate_id, r.sequence, r.event_type, r.event_version,
               r.payload::jsonb, r.metadata::jsonb, base + r.n, r.recorded_at, r.leaf_hash
        FROM unnest(aggregate_types, aggregate_ids, sequences, event_types, event_versions,
                    payloads, metadatas, recorded_ats, leaf_hashes) WITH ORDINALITY
            AS r(aggregate_type, aggregate_id, sequence, event_type, event_version,
                 payload, metadata, recorded_at, leaf_hash, n);
    IF cardinality(claim_scopes) > 0 THEN
        INSERT INTO claims (scope, key, owner_type, owner_id, command_id, claimed_at)
            SELECT * FROM unnest(claim_scopes, claim_keys, claim_owner_types, claim_owner_ids,
                                 claim_command_ids, claimed_ats);
    END IF;
    IF cardinality(answer_scopes) > 0 THEN
        INSERT INTO idempotency (scope, key, fingerprint, answer, command_id, position, recorded_at)
            SELECT a.scope, a.key, a.fingerprint, a.answer::jsonb, a.command_id, base + a.last_row, a.answered_at
            FROM unnest(answer_scopes, answer_keys, answer_fingerprints, answers, answer_command_ids,
                        answer_last_rows, answered_ats)
                AS a(scope, key, fingerprint, answer, command_id, last_row, answered_at);
    END IF;
    RETURN base;
END
$$;
