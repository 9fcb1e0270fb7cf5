# The first init must know both sides; nothing is made when it does not.
try() {
  echo "\$ repl $*"
  repl "$@"
  echo "exit $?"
}
try init
try init --source env:NOWHERE
try init --target env:NOWHERE
try check
try cleanup --yes
try init --source env:NOT_SET_ANYWHERE --target env:NOT_SET_ANYWHERE
try init --source 'postgres://u:s3cret@h:port/db?x=' --target env:B
ls -A
