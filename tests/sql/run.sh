#!/usr/bin/env bash
# run.sh NAME: runs tests/sql/NAME.sql in psql against a throw-away server, without the program, and compares what it
# prints with expected/NAME.out. run.sh --accept NAME writes the expected file.
set -euo pipefail
cd "$(dirname "$0")/../.."
accept=
[ "$1" != --accept ] || { accept=1; shift; }
name=$1

bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)
[ -n "$bin" ] || bin=$(pg_config --bindir)
folder=$(mktemp -d /tmp/repl-sql-XXXXXX)
as=()
if [ "$(id -u)" = 0 ]; then
  chown postgres "$folder"
  as=(runuser -u postgres --)
fi
finish() {
  "${as[@]}" "$bin/pg_ctl" -D "$folder/data" -m immediate stop >/dev/null 2>&1 || true
  rm -rf "$folder"
}
trap finish EXIT

cd /
"${as[@]}" "$bin/initdb" -D "$folder/data" -U postgres -A trust -E UTF8 --locale=C --no-sync >"$folder.init" 2>&1 ||
  { cat "$folder.init"; exit 1; }
rm -f "$folder.init"
"${as[@]}" "$bin/pg_ctl" -D "$folder/data" -l "$folder/log" -w -o "-k $folder -c listen_addresses= -c fsync=off" \
  start >/dev/null
cd - >/dev/null

export PGHOST=$folder PGOPTIONS='-c client_min_messages=warning -c timezone=UTC'
psql=(psql -X -q -v ON_ERROR_STOP=0 -v VERBOSITY=terse)
"${psql[@]}" -U postgres -d postgres -c "create role app login" -c "create database app owner app template template0"
"${psql[@]}" -U app -d app -f "tests/sql/$name.sql" 2>&1 | sed -E "s,with PID [0-9]+,with PID N,; s,^psql:[^ ]+ ,," >"$folder/out"
if [ -n "$accept" ]; then
  cp "$folder/out" "tests/sql/expected/$name.out"
else
  diff -u "tests/sql/expected/$name.out" "$folder/out" && echo "sql $name: ok"
fi
