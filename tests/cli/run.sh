#!/usr/bin/env bash
# Runs golden tests of the command line.   run.sh [--update] REPL SCRIPT...
# A script runs in an empty folder with `repl` on its PATH, standard input closed and standard error shown with the
# rest. Its output is compared with SCRIPT.stdout, its exit code with SCRIPT.exit. The version, which changes, is
# written VERSION in the golden text. --update writes what is there now: look at the diff before you commit it.
set -uo pipefail

update=
[ "${1:-}" = --update ] && update=1 && shift
[ $# -ge 2 ] || { sed -n '2s/^# //p' "$0" >&2; exit 2; }
program=$(realpath "$1") || exit 2
shift

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/bin"
ln -s "$program" "$work/bin/repl"
version=$("$program" version | sed 's/^repl //; s/\./\\./g')
unset REPL_DIR DATABASE_URL PGPASSWORD PGHOST PGPORT PGUSER PGDATABASE PGSERVICE PGSSLMODE

bad=0
for script in "$@"; do
  golden=${script%.sh}
  name=$(basename "$golden")
  script=$(realpath "$script")
  mkdir "$work/$name"
  (cd "$work/$name" && PATH="$work/bin:$PATH" LC_ALL=C bash "$script" </dev/null >"$work/$name.out" 2>&1)
  echo $? >"$work/$name.exit"
  sed "s/$version/VERSION/g" "$work/$name.out" >"$work/$name.stdout"
  if [ -n "$update" ]; then
    cp "$work/$name.stdout" "$golden.stdout"
    cp "$work/$name.exit" "$golden.exit"
    continue
  fi
  for part in stdout exit; do
    diff -u --label "$name.$part expected" "$golden.$part" --label "$name.$part" "$work/$name.$part" || bad=1
  done
done
exit "$bad"
