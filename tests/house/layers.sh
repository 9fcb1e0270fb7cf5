#!/usr/bin/env bash
# The staircase, read off the #include lines: no room includes a higher one or its neighbour, a foreign header stands
# in its one home, a room's SQL is used by that room alone, or taken in by files of higher ones, and
# CMake links no room to what it may not include.
set -uo pipefail
cd "${1:-$(dirname "$0")/../..}" || exit 2

# The steps: each room with those it stands on. It may know all that is below these, too.
rooms="base pg state catalog capture flow sync schema origin back check verify cutover cleanup init engine cli"
declare -A on=(
  [base]=""
  [pg]="base"
  [state]="base"
  [catalog]="pg"
  [capture]="catalog"
  [flow]="catalog"
  [sync]="capture flow state"
  [schema]="sync"
  [origin]="sync"
  [back]="sync"
  [check]="schema origin"
  [verify]="sync"
  [cutover]="check schema back"
  [cleanup]="schema back"
  [init]="check schema origin back"
  [engine]="init"
  [cli]="engine verify cutover cleanup"
)
declare -A may
for room in $rooms; do # lowest first
  may[$room]=$room
  for lower in ${on[$room]}; do
    for each in ${may[$lower]:?$room stands on $lower, which is not below it}; do
      [[ " ${may[$room]} " == *" $each "* ]] || may[$room]+=" $each"
    done
  done
done
# Which room a public header is the door of. What is in no list (version.h, embedded.h) is generated.
declare -A door=(
  [err]=base [log]=base [mem]=base [buf]=base [str]=base [clock]=base [hash]=base [fault]=base [interrupt]=base
  [rel]=base [pg]=pg [state]=state [status]=state [verify_report]=state [catalog]=catalog [capture]=capture [fence]=capture [flow]=flow [target]=flow
  [sync]=sync [sequences]=sync [history]=sync [schema]=schema [units]=schema [origin]=origin [back]=back [check]=check [verify]=verify
  [cutover]=cutover [cleanup]=cleanup [init]=init [engine]=engine [control]=engine [cli]=cli
)
declare -A home=(
  [libpq-fe.h]="pg" [libpq/libpq-fs.h]="pg" [pg_config.h]="pg" [postgres_ext.h]="pg" [sqlite3.h]="state"
  [uv.h]="engine" [xxhash.h]="base" [cjson/cJSON.h]="engine cli" [cJSON.h]="engine cli"
)
bad=0
complain() {
  echo "$1"
  bad=$((bad + 1))
}
within() { # WORD LIST
  [[ " $2 " == *" $1 "* ]]
}

check() { # FILE ROOM ALLOWED-ROOMS
  local file=$1 room=$2 allowed=$3 header stem
  while read -r header; do
    case $header in
    repl/*.h)
      stem=${header#repl/}
      stem=${stem%.h}
      if [ -n "${door[$stem]:-}" ]; then
        within "${door[$stem]}" "$allowed" || complain "$file includes $header: $room may not know ${door[$stem]}"
      elif [ "$stem" != version ] && [ "$stem" != embedded ]; then
        complain "$file includes $header: add it to the doors in tests/house/layers.sh"
      fi
      ;;
    *)
      if [ -n "${home[$header]:-}" ]; then
        within "$room" "${home[$header]}" || complain "$file includes $header, whose home is ${home[$header]}"
      elif [[ $header == */* ]] && [ -n "${may[${header%%/*}]:-}" ] && [ "$room" != main ]; then
        complain "$file reaches into a room: $header"
      elif [[ $header == ../* ]]; then
        complain "$file reaches out of its room: $header"
      fi
      ;;
    esac
  done < <(sed -nE 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*[<"]([^">]+)[">].*/\1/p' "$file")
}

for path in replicator/*/*.[ch]; do
  room=$(basename "$(dirname "$path")")
  if [ -z "${may[$room]:-}" ]; then
    complain "$path: no such room on the staircase"
  else
    check "$path" "$room" "${may[$room]}"
  fi
done
for path in include/repl/*.h; do
  stem=$(basename "$path" .h)
  if [ -z "${door[$stem]:-}" ]; then
    complain "$path: whose door is it? (tests/house/layers.sh)"
  else
    check "$path" "the door of ${door[$stem]}" "${may[${door[$stem]}]}"
  fi
done
check replicator/main.c main "cli"

for folder in sql/*/; do
  room=$(basename "$folder")
  user=$room
  [ "$room" != target ] || user=flow
  while read -r path; do
    [[ $path == replicator/$user/* ]] || complain "$path uses the SQL of $folder, which is $user's"
  done < <(grep -rlE "\\bsql_${room}_" replicator)
  while IFS=: read -r path other; do
    within "$other" "${may[$user]}" || complain "$path takes in the SQL of $other, which $user may not know"
  done < <(grep -noE "\\(:sql_[a-z]+_" "$folder"*.sql | sed -nE 's/^([^:]+):[0-9]+:\(:sql_([a-z]+)_$/\1:\2/p')
done

while read -r room rooms; do
  for other in $rooms; do
    [ "$other" = sql ] || within "$other" "${may[$room]:-}" || complain "CMake links $room to $other"
  done
done < <(tr '\n' ' ' <replicator/CMakeLists.txt | grep -oE 'room\([a-z]+ [^)]*\)' |
  sed -nE 's/^room\(([a-z]+) .*ROOMS ([a-z ]+).*/\1 \2/p')

[ "$bad" -eq 0 ] && echo "layers: ok"
exit "$((bad > 0))"
