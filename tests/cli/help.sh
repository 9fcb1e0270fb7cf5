# The overview, three ways to ask for it.
repl help
echo "exit $?"
repl --help | cmp - <(repl help) && repl -h | cmp - <(repl help)
echo "same: $?"
