# No state directory: what to type, exit code 1, and none is made.
try() {
  echo "\$ repl $*"
  repl "$@"
  echo "exit $?"
}
for command in start "start --detach" status "status --json" "status --wait following" kick "kick --wait" pause \
  "resume public.t" stop log "log --json" cleanup; do
  try $command
done
REPL_DIR=elsewhere repl status
repl -D other status
REPL_DIR=elsewhere repl status -D other
ls -A
