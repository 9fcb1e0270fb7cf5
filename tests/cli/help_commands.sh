# Help of every command, in the order of the overview; --help says the same, before and after other options.
for command in $(repl help | sed -n '/^commands$/,/^$/s/^  \([a-z]*\) .*/\1/p'); do
  echo "== $command"
  repl help "$command" || exit
  repl "$command" --help | cmp - <(repl help "$command") || exit
  repl -D elsewhere "$command" -v --help | cmp - <(repl help "$command") || exit
done
