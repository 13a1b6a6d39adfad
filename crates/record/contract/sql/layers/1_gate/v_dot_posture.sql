-- The current posture, in one row. It is a view, so that fn_process_pair_observe can read it in one statement with
-- everything else. It uses clock_timestamp(): with now(), a transaction that began before a gate expired would still
-- see it open. A missing or expired gate adds no bit. Without any bit the sum is null, which means closed.
--
-- is_changed_here: whether this transaction itself changed a gate. A change takes effect at its commit, so no receipt
-- is written under it. A change of this transaction has no history row of another transaction.
CREATE OR REPLACE VIEW v_dot_posture AS
SELECT CASE WHEN live.bits = 1 + 2 + 4 + 8 THEN 'REAL_RUN' WHEN live.bits & (1 + 2) = 1 + 2 THEN 'DRY_RUN_ONLY'
  ELSE 'NO_EXECUTE' END AS posture, live.is_changed_here IS TRUE AS is_changed_here
FROM (SELECT bit_or(c.posture_bit) FILTER (WHERE c.expires_at IS NULL OR c.expires_at > clock_timestamp()) AS bits,
        bool_or(c.updated_at >= transaction_timestamp() AND NOT EXISTS (
          SELECT FROM dot_config_history h
          WHERE h.key = c.key AND h.changed_at = c.updated_at
            AND h.change_xid IS DISTINCT FROM pg_current_xact_id_if_assigned())) AS is_changed_here
      FROM dot_config c) AS live;
