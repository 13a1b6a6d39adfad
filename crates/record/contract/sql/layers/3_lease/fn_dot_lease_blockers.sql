-- Returns the sessions and prepared transactions that keep a lease's row locked, for a caller whose wait timed out.
-- These are the open transactions that locked a row of a lease; only one, where the row names it. At most ten.
CREATE OR REPLACE FUNCTION fn_dot_lease_blockers(p_lease_name text, OUT blocked_by jsonb, OUT shown text)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
  WITH held AS (
    SELECT DISTINCT k.virtualtransaction, k.pid
    FROM pg_locks k
    WHERE k.locktype = 'relation' AND k.relation = 'dot_iu_runtime_lease'::regclass
      AND k.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
      AND k.granted AND k.mode IN ('RowShareLock', 'RowExclusiveLock') AND k.pid IS DISTINCT FROM pg_backend_pid()
      -- A transaction that locks a row has a transaction id, and a lock on that id.
      AND EXISTS (SELECT FROM pg_locks x WHERE x.locktype = 'transactionid' AND x.granted
                  AND x.virtualtransaction = k.virtualtransaction)
  ), named AS (
    SELECT h.virtualtransaction FROM held h
    JOIN pg_locks x ON x.virtualtransaction = h.virtualtransaction AND x.locktype = 'transactionid' AND x.granted
    JOIN dot_iu_runtime_lease l ON l.lease_name = p_lease_name AND l.xmax = x.transactionid
  ), told AS (
    SELECT h.pid, a.usename::text AS login, NULL::text AS prepared
    FROM held h LEFT JOIN pg_stat_activity a ON a.pid = h.pid
    WHERE h.pid IS NOT NULL
      AND (h.virtualtransaction IN (SELECT n.virtualtransaction FROM named n) OR NOT EXISTS (SELECT FROM named))
    UNION ALL
    SELECT NULL, p.owner::text, p.gid
    FROM held h
    JOIN pg_locks x ON x.virtualtransaction = h.virtualtransaction AND x.locktype = 'transactionid'
    JOIN pg_prepared_xacts p ON p.transaction = x.transactionid
    WHERE h.pid IS NULL
      AND (h.virtualtransaction IN (SELECT n.virtualtransaction FROM named n) OR NOT EXISTS (SELECT FROM named))
    LIMIT 10
  )
  SELECT coalesce(jsonb_agg(jsonb_strip_nulls(to_jsonb(t)) ORDER BY t.pid, t.prepared), '[]'),
    coalesce(string_agg(CASE WHEN t.pid IS NULL
          THEN format('the prepared transaction %s of the login %s', t.prepared, t.login)
      ELSE format('the login %s (process %s)', t.login, t.pid) END, ', ' ORDER BY t.pid, t.prepared),
        'a session that has just ended')
  INTO blocked_by, shown FROM told t;
END;
$$;
