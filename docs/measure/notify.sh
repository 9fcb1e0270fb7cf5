#!/usr/bin/env bash
# What a NOTIFY in every transaction costs, in an empty database:   docs/measure/notify.sh CONNECTION
# Sixteen clients insert one row a transaction, without a trigger, with one that notifies each time, and with one that
# looks at a sequence first and finds it disarmed. Prints transactions a second of two interleaved rounds.
set -euo pipefail
db=$1
psql -Xq "$db" <<'SQL'
CREATE TABLE t (id bigserial PRIMARY KEY, v text);
CREATE SEQUENCE bell MINVALUE 1 MAXVALUE 2;
SELECT setval('bell', 2) \g /dev/null
CREATE FUNCTION each_time() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_notify('x', ''); RETURN NULL; END $$;
CREATE FUNCTION when_armed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF pg_sequence_last_value('bell'::regclass) = 1 THEN
        PERFORM setval('bell', 2), pg_notify('x', '');
    END IF;
    RETURN NULL;
END $$;
SQL
script=$(mktemp)
trap 'rm -f "$script"' EXIT
echo "INSERT INTO t (v) VALUES ('x');" >"$script"
for _ in 1 2; do
  for function in none each_time when_armed; do
    psql -Xq "$db" -c "SET client_min_messages = warning" -c "DROP TRIGGER IF EXISTS n ON t"
    [ $function = none ] ||
      psql -Xq "$db" -c "CREATE TRIGGER n AFTER INSERT ON t FOR EACH STATEMENT EXECUTE FUNCTION $function()"
    printf '%-10s ' $function
    pgbench -n -c 16 -j 2 -T 5 -f "$script" "$db" 2>/dev/null | grep '^tps'
  done
done
