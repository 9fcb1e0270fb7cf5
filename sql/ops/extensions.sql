-- Extensions that are installed, or could be.
-- Reads: pg_available_extensions, pg_available_extension_versions, pg_extension, pg_namespace, pg_roles.   Writes: nothing.
-- Variables: none.
-- Returns: name, installed (version or null), schema (of the installed one), offered (version or null),
-- may_install (without being a superuser it must be a trusted one; null: not offered). A provider's own rules
-- (rds.allowed_extensions) are not seen here.
SELECT coalesce(e.extname, a.name), e.extversion, n.nspname, a.default_version,
       CASE WHEN a.name IS NOT NULL THEN r.rolsuper OR coalesce(v.trusted OR NOT v.superuser, false) END
FROM pg_catalog.pg_available_extensions a
FULL JOIN pg_catalog.pg_extension e ON e.extname = a.name
LEFT JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
LEFT JOIN pg_catalog.pg_available_extension_versions v ON v.name = a.name AND v.version = a.default_version
JOIN pg_catalog.pg_roles r ON r.rolname = current_user
WHERE coalesce(e.extname, a.name) <> 'plpgsql'
ORDER BY 1
