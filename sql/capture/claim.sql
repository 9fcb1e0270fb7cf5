-- Locks a table of the application, in two steps, for the rest of the transaction. SHARE UPDATE EXCLUSIVE conflicts with VACUUM and
-- ANALYZE, not with writers: the server cancels an ordinary autovacuum worker that stands in its way after
-- deadlock_timeout, so it is waited for longer than that, and no other worker can begin. Then the lock that writers
-- feel, which only they can delay, under a short lock_timeout.
-- Writes: nothing.   Variables: table ("ONLY public.t"), mode (of the second lock), lock_timeout (of the second, ms).
SELECT pg_catalog.set_config('lock_timeout', (1000 + 1000 * pg_catalog.date_part('epoch',
           pg_catalog.current_setting('deadlock_timeout')::pg_catalog.interval))::bigint::text, true);
LOCK TABLE :table IN SHARE UPDATE EXCLUSIVE MODE;
SET LOCAL lock_timeout = :lock_timeout;
LOCK TABLE :table IN :mode MODE;
