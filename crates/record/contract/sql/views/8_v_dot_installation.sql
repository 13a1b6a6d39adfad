-- The installed version, read by installers and the doctor before they know their privileges.
CREATE OR REPLACE VIEW v_dot_installation AS
SELECT r.installed_version, r.digest, r.role_prefix, r.installed_at, r.installed_by,
  coalesce((SELECT array_agg(m.name ORDER BY m.name) FROM dot_contract_migration m), '{}') AS migrations,
  coalesce((SELECT array_agg(m.sha256 ORDER BY m.name) FROM dot_contract_migration m), '{}') AS migration_digests,
  r.system_identifier
FROM dot_contract_release r;
