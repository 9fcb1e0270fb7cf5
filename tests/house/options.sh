#!/usr/bin/env bash
# Every setting and every command-line option stands in the manual.
set -uo pipefail
cd "${1:-$(dirname "$0")/../..}" || exit 2

bad=0
documented() { # WHAT NAME-AS-TYPED PAGE
  grep -qE -- "(^|[^a-z_-])$2([^a-z_-]|$)" "$3" || {
    echo "$1 $2 is not in $3"
    bad=$((bad + 1))
  }
}

settings=$(sed -n '/engine_settings\[\] = {/,/^};/p' replicator/engine/config.c |
  sed -nE 's/^[[:space:]]*\{"([a-z_]+)",.*/\1/p')
[ -n "$settings" ] || { echo "no settings found in replicator/engine/config.c: has its table changed?"; exit 1; }
for name in $settings; do
  documented setting "$name" docs/man/repl.conf.5.md
done
[ "$(sort <<<"$settings")" = "$settings" ] || { echo "the settings are not in alphabetical order"; bad=$((bad + 1)); }

options=$(grep -hoE '\{"[a-z-]+", *(no|required|optional)_argument' replicator/cli/*.c | sed -E 's/^\{"([a-z-]+)".*/\1/' | sort -u)
[ -n "$options" ] || { echo "no options found in replicator/cli: have its tables changed?"; exit 1; }
for name in $options; do
  documented option "--$name" docs/man/repl.1.md
done

commands=$(find replicator/cli -name 'cmd_*.c' -printf '%f\n' | sed -nE 's/^cmd_([a-z]+)\.c$/\1/p')
[ -n "$commands" ] || { echo "no commands found in replicator/cli"; exit 1; }
for name in $commands; do
  documented command "$name" docs/man/repl.1.md
done

[ "$bad" -eq 0 ] && echo "options: ok ($(wc -w <<<"$settings") settings, $(wc -w <<<"$options") options, $(wc -w <<<"$commands") commands)"
exit "$((bad > 0))"
