# Nobody listens on port 1: which side, which server, what to look at. No password, and nothing is left behind.
url=postgres://somebody:s3cret@127.0.0.1:1/shop
says() {
  repl "$@" >out 2>&1
  echo "exit $?"
  grep -q s3cret out && echo "the password is shown"
  grep -o 'source: cannot connect to somebody@127.0.0.1:1/shop' out
  grep '^hint' out
  rm out
}
says init --source "$url" --target "$url"
repl check --source "$url" --target "$url" # both sides in one report
export SHOP=$url
says init --source env:SHOP --target env:SHOP
echo "$url" >url
says init --source file:url --target file:url
says init --source "command:cat url" --target "command:cat url"
rm url
repl check --json --source "$url" --target "$url" 2>/dev/null | grep -E '"(level|topic|side|hint|passes)"'
ls -A
