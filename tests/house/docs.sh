#!/usr/bin/env bash
# Links in documents resolve, and nothing that is committed names one machine's folders, carries a password or leaves
# something to be done.
set -uo pipefail
cd "${1:-$(dirname "$0")/../..}" || exit 2

bad=0
complain() {
  echo "$1"
  bad=$((bad + 1))
}
files() {
  git ls-files -- "$@" 2>/dev/null | grep . || find . -path ./build -prune -o -path ./.git -prune -o -type f -print | sed 's,^\./,,'
}
anchors() { # as GitHub makes them of headings
  sed -nE 's/^#+ +(.*)$/\1/p' "$1" | tr '[:upper:]' '[:lower:]' | sed -E 's/[^a-z0-9 _-]//g; s/ /-/g'
}

pages=$(files '*.md' | grep '\.md$')
[ -n "$pages" ] || { echo "no documents"; exit 1; }
while read -r page; do
  while read -r link; do
    case $link in
    http://* | https://* | mailto:*) continue ;;
    esac
    file=${link%%#*}
    path=$page
    [ -z "$file" ] || path=$(dirname "$page")/$file
    if [ ! -e "$path" ]; then
      complain "$page: $link does not exist"
    elif [[ $link == *#* && $path == *.md ]] && ! anchors "$path" | grep -qxF -- "${link#*#}"; then
      complain "$page: $link: no such heading"
    fi
  done < <(sed '/^```/,/^```/d' "$page" | grep -oE '\]\([^) ]+\)' | sed -E 's/^\]\((.*)\)$/\1/')
done <<<"$pages"

while read -r hit; do
  complain "a folder of one machine: $hit"
done < <(files | grep -vE '^tests/house/docs\.sh$' | xargs grep -InE '(^|[^A-Za-z0-9_.$}-])/(work|root|home|Users)/[A-Za-z.]' 2>/dev/null)
while read -r hit; do
  complain "something left to do: $hit"
done < <(files 'replicator/*' 'include/*' 'sql/*' 'tests/*' 'docs/*' README.md | grep -vE '^tests/house/docs\.sh$' |
  xargs grep -InwE 'TODO|FIXME|XXX|HACK' 2>/dev/null)
while read -r hit; do
  complain "a password in a URL: $hit"
done < <(xargs grep -InE 'postgres(ql)?://[^ :/]*:[^@ ]+@' <<<"$pages" 2>/dev/null |
  grep -vE ':(PASSWORD|pw|\*+|\$[A-Z_]+|\.\.\.|…)@')

[ "$bad" -eq 0 ] && echo "docs: ok"
exit "$((bad > 0))"
