# bash completion for repl, made from the program's table of commands
_repl_commands() {
  echo 'init start status kick pause resume add set stop check verify log cutover cleanup version help'
}
_repl() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} i command=''
  for ((i = 1; i < COMP_CWORD; i++)); do
    case ${COMP_WORDS[i]} in
    -D | --dir) ((i++)) ;;
    -*) ;;
    *)
      command=${COMP_WORDS[i]}
      break
      ;;
    esac
  done
  case $prev in
  -D | --dir)
    mapfile -t COMPREPLY < <(compgen -d -- "$cur")
    return
    ;;
  --wait)
    [ "$command" != status ] || {
      mapfile -t COMPREPLY < <(compgen -W 'copying indexing catching_up following paused fenced stopped retrying failed' -- "$cur")
      return
    }
    ;;
  esac
  local words=''
  case $command in
  '') words=$(_repl_commands) ;;
  help) words=$(_repl_commands) ;;
  init) words=' --source --target --schema --tables --exclude --jobs --max-rate --auto-add --copy-from --seeded --no-schema --always-triggers --overwrite --lock-wait --allow-plaintext --recreate --replace-url --change-target --yes' ;;
  start) words=' --detach --jobs --max-rate' ;;
  status) words=' --json --wait --timeout --watch' ;;
  kick) words=' --wait --timeout' ;;
  set) words=' --jobs --max-rate' ;;
  stop) words=' --timeout' ;;
  check) words=' --source --target --schema --tables --exclude --jobs --copy-from --seeded --no-schema --always-triggers --overwrite --allow-plaintext --no-probe --json' ;;
  verify) words=' --tables --sample --repair --show-values --max-rate --jobs --range-rows --again --last --json' ;;
  log) words=' --lines --follow --json' ;;
  cutover) words=' --yes --dry-run --fallback --back --abort --resume --timeout --terminate --exec --exec-failure --unverified --skip-large-objects' ;;
  cleanup) words=' --yes --dry-run --emergency --reopen-source --keep-source-read-only --source --target --schema --lock-wait' ;;
  version) words=' --json' ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words --dir --verbose --log-json --help --version" -- "$cur")
}
complete -F _repl repl
