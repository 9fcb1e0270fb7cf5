repl set
echo "exit $?"
for rate in fast 0 63kB 20Mbit -5MB 1.5MB 20MB/min; do
  repl set --max-rate "$rate"
  echo "exit $?"
done
for jobs in 0 65 many; do
  repl set --jobs "$jobs"
  echo "exit $?"
done
repl start --max-rate soon
echo "exit $?"
repl init --source postgres://u@h/d --target postgres://u@h/e --max-rate 1
echo "exit $?"
repl set --max-rate 20MB/s
