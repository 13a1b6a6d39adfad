-- A lease is given for 24 hours at most, and renewed from the time of its renewal. A warning: the clock may have been
-- ahead.
SELECT l.lease_name AS subject, format('held by %s until %s', left(l.lease_holder, 200), l.expires_at) AS what
FROM ledger.dot_iu_runtime_lease l
WHERE l.released_at IS NULL AND l.expires_at > clock_timestamp() + interval '25 hours';
