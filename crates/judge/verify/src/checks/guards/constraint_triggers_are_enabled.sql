-- A superuser can switch them off and leave the constraint looking valid.
SELECT c.relname::text AS subject, format('the trigger of %s is disabled', coalesce(k.conname, t.tgname)) AS what
FROM pg_trigger t
JOIN pg_class c ON c.oid = t.tgrelid
LEFT JOIN pg_constraint k ON k.oid = t.tgconstraint
WHERE c.relnamespace = ledger_oid AND t.tgisinternal AND t.tgenabled NOT IN ('O', 'A');
