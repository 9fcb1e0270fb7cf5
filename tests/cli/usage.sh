# A wrong word: what is valid instead, exit code 2.
try() {
  echo "\$ repl $*"
  repl "$@"
  echo "exit $?"
}
try
try strat
try statsu --json
try xyzzy
try --nonsense
try -x
try status --jsno
try status --wait
try status --wait happy
try status --wait followng
try status --json=yes
try status --timeout soon --wait following
try log -n 0
try log --lines many
try init --jobs 0 --source env:A --target env:B
try init --schema pg_x --source env:A --target env:B
try pause public.a public.b
try help strat
try help init start
