#!/usr/bin/env bash
# How long a move by way of a fork takes, from sizes and rates; the formulas are those of docs/heroku.md.
#   docs/measure/duration.sh SIZE_GB ROWS_PERCENT FORK COPY INDEX WRITES MERGE
# SIZE_GB: the whole database, of which ROWS_PERCENT are tables and TOAST and the rest indexes. FORK, COPY, INDEX: MB a
# second. WRITES: rows changed a second. MERGE: rows merged a second. Units of 10^6 and 10^9 bytes.
set -euo pipefail
[ $# -eq 7 ] || { sed -n '2,5s/^# //p' "$0" >&2; exit 2; }
awk -v size="$1" -v percent="$2" -v F="$3" -v C="$4" -v I="$5" -v w="$6" -v m="$7" '
function show(what, s) {
    s = int(s / 60 + .5)
    printf "%-12s %s\n", what, s < 60 ? s " min" : sprintf("%d h %02d min", s / 60, s % 60)
}
BEGIN {
    if (w >= m) {
        print "the writes are never caught up with: WRITES must be below MERGE" > "/dev/stderr"
        exit 1
    }
    D = size * percent / 100 * 1000
    X = size * 1000 - D
    fork = (D + X) / F
    copy = D / C
    indexes = X / I
    N = w * (fork + copy + indexes)
    show("fork", fork)
    show("copy", copy)
    show("indexes", indexes)
    show("catching up", N / (m - w))
    show("together", fork + copy + indexes + N / (m - w))
    printf "%-12s %.1f M rows, %d MB of deltas on the source (44 bytes each: a bigint key)\n", "changes", N / 1e6, N * 44 / 1e6 + .5
    printf "%-12s ", "no fork"
    show("at 10 MB/s", D / 10)
}'
