#!/usr/bin/env bash
# A story dies at every fault point: test_crash.py and test_steps.py at those that their patterns find in the source,
# others where a test names them. What test_crash.py leaves out by its prefix is somebody else's to name.
set -uo pipefail
cd "${1:-$(dirname "$0")/../..}" || exit 2

points=$(grep -rhoE 'fault_point\("[^"]+"' replicator | cut -d'"' -f2 | sort -u)
[ -n "$points" ] || { echo "no fault points found in replicator: has the macro another name?"; exit 1; }
left_out=$(sed -nE 's/^POINT = .*\(\(\?!(.*)\)\[a-z_\.\]\+\).*/^(\1)/p' tests/pg/test_crash.py)
[ -n "$left_out" ] || { echo "what test_crash.py leaves out is not found: has POINT changed?"; exit 1; }

bad=0
for point in $points; do
  grep -qE "$left_out" <<<"$point" || continue
  grep -qE '^(unit|step)\.' <<<"$point" || grep -qrF --include='test_*.py' "\"$point" tests/pg || {
    echo "no story dies at $point"
    bad=$((bad + 1))
  }
done

[ "$bad" -eq 0 ] && echo "faults: ok ($(wc -w <<<"$points") points)"
exit "$((bad > 0))"
