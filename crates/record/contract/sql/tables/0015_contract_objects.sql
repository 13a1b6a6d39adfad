-- The functions and views that the last installation brought. The next one drops those of them that it does not bring any more:
-- a function that a release removes or renames must not stay callable.
CREATE TABLE dot_contract_object (
  kind text NOT NULL CHECK (kind IN ('function', 'view')),
  name text NOT NULL,
  PRIMARY KEY (kind, name)
);
-- Earlier releases did not record them. What the owner has in this schema under their names came with them.
INSERT INTO dot_contract_object (kind, name)
SELECT DISTINCT 'function', p.proname::text
FROM pg_catalog.pg_class t JOIN pg_catalog.pg_proc p ON p.pronamespace = t.relnamespace AND p.proowner IN (t.relowner, (
    -- The function that runs a check belongs to the checker.
    SELECT f.proowner FROM pg_catalog.pg_proc f
    WHERE f.pronamespace = t.relnamespace AND f.proname = 'fn_dot_preflight_ask' LIMIT 1))
WHERE t.oid = 'dot_contract_object'::regclass AND p.proname ~ '^fn_(dot|process|assert|event)_'
UNION ALL
SELECT 'view', v.relname::text
FROM pg_catalog.pg_class t JOIN pg_catalog.pg_class v
  ON v.relnamespace = t.relnamespace AND v.relowner = t.relowner AND v.relkind = 'v'
WHERE t.oid = 'dot_contract_object'::regclass AND v.relname ~ '^v_(dot|process|event)_';
-- Functions of 0.1.0 that bear other argument or result names now, which `CREATE OR REPLACE` can not change.
DROP FUNCTION IF EXISTS fn_dot_lease_take(text, text, uuid, integer, boolean);
DROP FUNCTION IF EXISTS fn_dot_gates_for_receipt(text);
