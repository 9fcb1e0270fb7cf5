-- Extensions that are installed, or could be.
-- Reads: pg_available_extensions, pg_available_extension_versions, pg_extension, pg_namespace, pg_roles.   Writes: nothing.
-- Variables: none.
-- Returns: name, installed (version or null), schema (of the installed one), offered (version or null),
-- may_install (without being a superuser it must be a trusted one; null: not offered), allowed (by the provider:
-- rds.allowed_extensions), versions (all that are offered, as an array).
SELECT coalesce(e.extname, a.name), e.extversion, n.nspname, a.default_version,
       CASE WHEN a.name IS NOT NULL THEN r.rolsuper OR coalesce(v.trusted OR NOT v.superuser, false) END,
       coalesce(s.allowed IN ('', '*')
                OR coalesce(e.extname, a.name) = ANY (pg_catalog.string_to_array(pg_catalog.replace(s.allowed, ' ', ''), ',')),
                true),
       array(SELECT o.version::text FROM pg_catalog.pg_available_extension_versions o WHERE o.name = a.name)
FROM pg_catalog.pg_available_extensions a
FULL JOIN pg_catalog.pg_extension e ON e.extname = a.name
LEFT JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
LEFT JOIN pg_catalog.pg_available_extension_versions v ON v.name = a.name AND v.version = a.default_version
JOIN pg_catalog.pg_roles r ON r.rolname = current_user
CROSS JOIN (SELECT pg_catalog.current_setting('rds.allowed_extensions', true) AS allowed) s
WHERE coalesce(e.extname, a.name) <> 'plpgsql'
ORDER BY 1
