# While a command runs, its command line as `ps` shows it has no password. The connection command holds it there.
hold='touch started; until [ -e looked ]; do sleep 0.02; done; echo postgres://127.0.0.1:1/shop'
repl check --target "postgres://other:s3cret@127.0.0.1:1/shop" --source "command:$hold" >/dev/null 2>&1 &
for _ in $(seq 500); do
  [ -e started ] && break
  sleep 0.02
done
tr '\0' ' ' <"/proc/$!/cmdline" | sed 's/touch started.*//'
echo
touch looked
wait $!
