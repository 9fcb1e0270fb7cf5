repl version
repl --version
repl version --json
repl init --version
