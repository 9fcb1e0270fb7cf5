# While init runs, its command line as `ps` shows it has no password: the connection command looks at its parent.
repl init --source "postgres://somebody:s3cret@127.0.0.1:1/shop" --target postgres://other:s3cret@127.0.0.1:1/shop \
  --exclude "x" >/dev/null 2>&1
echo "exit $?"
mkfifo hold
repl check --target "postgres://other:s3cret@127.0.0.1:1/shop" --source "command:cat hold" >/dev/null 2>&1 &
exec 3>hold # returns when the command has it open
tr '\0' ' ' <"/proc/$!/cmdline" | grep -c s3cret
exec 3>&-
wait
