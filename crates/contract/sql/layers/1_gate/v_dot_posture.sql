-- What the gates allow at this instant, in one row. A view rather than a function, so that the pair's call can read it
-- in the same statement as everything else. The clock is the wall's: with now(), a transaction that began before a gate
-- expired would still see it open. A gate that is missing or expired adds no bit; none at all adds up to null, which is
-- closed.
--
-- is_changed_here: whether this transaction itself changed one of them. A change takes effect when it commits, and not
-- before: no receipt is written by it. A change of this transaction has no history row of another one.
CREATE OR REPLACE VIEW v_dot_posture AS
SELECT CASE WHEN live.bits = 1 + 2 + 4 + 8 THEN 'REAL_RUN' WHEN live.bits & (1 + 2) = 1 + 2 THEN 'DRY_RUN_ONLY'
  ELSE 'NO_EXECUTE' END AS posture, live.is_changed_here IS TRUE AS is_changed_here
FROM (SELECT bit_or(c.posture_bit) FILTER (WHERE c.expires_at IS NULL OR c.expires_at > clock_timestamp()) AS bits,
        bool_or(c.updated_at >= transaction_timestamp() AND NOT EXISTS (
          SELECT FROM dot_config_history h
          WHERE h.key = c.key AND h.changed_at = c.updated_at
            AND h.change_xid IS DISTINCT FROM pg_current_xact_id_if_assigned())) AS is_changed_here
      FROM dot_config c) AS live;
