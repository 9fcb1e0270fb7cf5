#!/usr/bin/env bash
# What docs/ says of commands, settings and the life-cycle is what the program's own tables say.
#   pages.sh PROGRAM ROOT            PROGRAM is what pages.c became
#   pages.sh PROGRAM ROOT --update   writes the pages anew: look at the diff before you commit it
set -uo pipefail
program=$(realpath "$1") || exit 2
cd "$2" || exit 2

bad=0
pages=$(grep -rlE '^<!-- made: ' docs --include='*.md')
[ -n "$pages" ] || { echo "no page of docs/ has a made part"; exit 1; }
while read -r page; do
  made=$(mktemp)
  if ! "$program" "$page" >"$made"; then
    echo "$page cannot be made"
    bad=1
  elif [ "${3:-}" = --update ]; then
    cmp -s "$made" "$page" || cat "$made" >"$page"
  else
    diff -u --label "$page" "$page" --label "as the program has it" "$made" || bad=1
  fi
  rm -f "$made"
done <<<"$pages
docs/examples/repl.conf
docs/completion/repl.bash"

[ "$bad" -eq 0 ] && echo "pages: ok ($(wc -l <<<"$pages") with made parts)"
[ "$bad" -eq 0 ] || echo "bring them up to date: tests/house/pages.sh PROGRAM . --update"
exit "$bad"
