# A state directory that others may read, one without a state file, and one whose file is none.
mkdir -m 755 open
repl -D open status
echo "exit $?"
repl -D open init --source env:A --target env:B
echo "exit $?"
mkdir -m 700 empty
repl -D empty status
echo "exit $?"
mkdir -m 700 broken
for i in $(seq 100); do echo "this is no state file"; done >broken/state.db
repl -D broken log
echo "exit $?"
echo text >file
repl -D file status
echo "exit $?"
repl -D no/such/parent init --source postgres://h/d --target postgres://h/d
echo "exit $?"
ls -A . open empty broken
