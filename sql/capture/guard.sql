-- Whether a session is repl's own, whose writes are not captured and pass the write fence: of the role that capture was
-- installed by, and marked with the sync's id. Anybody can set the mark; nobody but a superuser can forge session_user, which
-- neither SET ROLE nor a SECURITY DEFINER function changes. The role first: whoever is another is done with that.
-- Reads: the session.   Variables: role, sync_id.
session_user OPERATOR(pg_catalog.=) :'role' AND pg_catalog.current_setting('repl.origin', true) OPERATOR(pg_catalog.=) :'sync_id'
