-- A command that is there already may differ from what was sent: the same command decided at another time. Those
-- that were decided upon it must be told; so 'same' says that every row is as it was sent, by its hash.
--
-- Answers one row for each command: 'appended', 'same' or 'already' with its first position (null if it has no events),
-- 'conflict', 'claim' with the number of the claim in the batch, or 'idempotency'. A command whose rows are there
-- under its own command id was committed by an attempt that never got its answer: 'already'.
-- The caller sees to it that no two commands of a batch want the same row.
CREATE OR REPLACE FUNCTION journal_append_checked(
    command_ids text[], row_commands bigint[],
    aggregate_types text[], aggregate_ids text[], sequences bigint[], event_types text[], event_versions text[],
    payloads text[], metadatas text[], recorded_ats timestamptz[], leaf_hashes bytea[],
    claim_commands bigint[], claim_scopes text[], claim_keys text[], claim_owner_types text[],
    claim_owner_ids text[], claim_command_ids text[], claimed_ats timestamptz[],
    answer_commands bigint[], answer_scopes text[], answer_keys text[], answer_fingerprints text[],
    answers text[], answer_command_ids text[], answered_ats timestamptz[]
) RETURNS TABLE (command bigint, verdict text, first_position bigint, claim bigint) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    base bigint;
    verdicts text[];
    firsts bigint[];
    lasts bigint[];
    held bigint[];
BEGIN
    PERFORM pg_advisory_xact_lock(journal_lock());
    SELECT coalesce(max(position), 0) INTO base FROM events;

    WITH wanted AS MATERIALIZED (
        SELECT r.command, r.aggregate_type, r.aggregate_id, r.sequence, r.leaf_hash
        FROM unnest(row_commands, aggregate_types, aggregate_ids, sequences, leaf_hashes)
            AS r(command, aggregate_type, aggregate_id, sequence, leaf_hash)
    ), present AS (
        SELECT w.command, bool_and(e.metadata ->> 'command_id' = command_ids[w.command]) AS own,
               bool_and(e.leaf_hash = w.leaf_hash) AS same,
               min(e.position) AS first
        FROM wanted w JOIN events e USING (aggregate_type, aggregate_id, sequence)
        GROUP BY w.command
    ), orphans AS (
        -- A stream has no gaps either: the row before must be there, or come in the same command.
        SELECT DISTINCT w.command FROM wanted w
        WHERE w.sequence > 1
          AND NOT EXISTS (SELECT FROM events e
                          WHERE e.aggregate_type = w.aggregate_type AND e.aggregate_id = w.aggregate_id
                            AND e.sequence = w.sequence - 1)
          AND NOT EXISTS (SELECT FROM wanted p
                          WHERE p.command = w.command AND p.aggregate_type = w.aggregate_type
                            AND p.aggregate_id = w.aggregate_id AND p.sequence = w.sequence - 1)
    ), claimed AS (
        SELECT c.command, min(c.n) AS n
        FROM unnest(claim_commands, claim_scopes, claim_keys, claim_owner_types, claim_owner_ids) WITH ORDINALITY
                 AS c(command, scope, key, owner_type, owner_id, n)
        JOIN claims k USING (scope, key)
        WHERE (k.owner_type, k.owner_id) <> (c.owner_type, c.owner_id)
        GROUP BY c.command
    ), answered AS (
        SELECT a.command, i.command_id = command_ids[a.command] AS own
        FROM unnest(answer_commands, answer_scopes, answer_keys) AS a(command, scope, key)
        JOIN idempotency i USING (scope, key)
    )
    SELECT array_agg(CASE
               WHEN present.own AND (answered.own OR answered.own IS NULL)
                   THEN CASE WHEN present.same THEN 'same' ELSE 'already' END
               WHEN answered.own AND present.command IS NULL AND rows.command IS NULL THEN 'already'
               WHEN answered.command IS NOT NULL THEN 'idempotency'
               WHEN present.command IS NOT NULL OR orphans.command IS NOT NULL THEN 'conflict'
               WHEN claimed.command IS NOT NULL THEN 'claim'
               ELSE 'appended'
           END ORDER BY c.n),
           array_agg(present.first ORDER BY c.n), array_agg(claimed.n ORDER BY c.n)
    INTO verdicts, firsts, held
    FROM unnest(command_ids) WITH ORDINALITY AS c(id, n)
    LEFT JOIN (SELECT DISTINCT w.command FROM wanted w) rows ON rows.command = c.n
    LEFT JOIN present ON present.command = c.n
    LEFT JOIN orphans ON orphans.command = c.n
    LEFT JOIN claimed ON claimed.command = c.n
    LEFT JOIN answered ON answered.command = c.n;

    INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version,
                        payload, metadata, position, recorded_at, leaf_hash)
        SELECT r.aggregate_type, r.aggregate_id, r.sequence, r.event_type, r.event_version,
               r.payload::jsonb, r.metadata::jsonb, base + row_number() OVER (ORDER BY r.n), r.recorded_at, r.leaf_hash
        FROM unnest(row_commands, aggregate_types, aggregate_ids, sequences, event_types, event_versions,
                    payloads, metadatas, recorded_ats, leaf_hashes) WITH ORDINALITY
            AS r(command, aggregate_type, aggregate_id, sequence, event_type, event_version,
                 payload, metadata, recorded_at, leaf_hash, n)
        WHERE verdicts[r.command] = 'appended';

    SELECT array_agg(CASE verdicts[c.n] WHEN 'appended' THEN given.first WHEN 'already' THEN firsts[c.n]
                                             WHEN 'same' THEN firsts[c.n] END ORDER BY c.n),
           array_agg(given.last ORDER BY c.n)
    INTO firsts, lasts
    FROM generate_subscripts(command_ids, 1) AS c(n)
    LEFT JOIN (
        SELECT p.command, min(p.position) AS first, max(p.position) AS last
        FROM (SELECT r.command, base + row_number() OVER (ORDER BY r.n) AS position
              FROM unnest(row_commands) WITH ORDINALITY AS r(command, n)
              WHERE verdicts[r.command] = 'appended') p
        GROUP BY p.command
    ) given ON given.command = c.n;

    INSERT INTO claims (scope, key, owner_type, owner_id, command_id, claimed_at)
        SELECT c.scope, c.key, c.owner_type, c.owner_id, c.command_id, c.claimed_at
        FROM unnest(claim_commands, claim_scopes, claim_keys, claim_owner_types, claim_owner_ids,
                    claim_command_ids, claimed_ats)
            AS c(command, scope, key, owner_type, owner_id, command_id, claimed_at)
        WHERE verdicts[c.command] = 'appended'
        -- Only its own owner can still hold it here.
        ON CONFLICT (scope, key) DO NOTHING;

    INSERT INTO idempotency (scope, key, fingerprint, answer, command_id, position, recorded_at)
        SELECT a.scope, a.key, a.fingerprint, a.answer::jsonb, a.command_id, lasts[a.command], a.answered_at
        FROM unnest(answer_commands, answer_scopes, answer_keys, answer_fingerprints, answers,
                    answer_command_ids, answered_ats)
            AS a(command, scope, key, fingerprint, answer, command_id, answered_at)
        WHERE verdicts[a.command] = 'appended';

    RETURN QUERY
        SELECT c.n::bigint, verdicts[c.n], firsts[c.n], held[c.n]
        FROM generate_subscripts(command_ids, 1) AS c(n) ORDER BY c.n;
END
$$;
