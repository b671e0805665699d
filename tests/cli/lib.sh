# Sourced by the scripts beside it: `try` runs a command, the others look at what it did. Each script ends with `finish`.
#
#   try NAME command…            runs it; its status, stdout and stderr are kept
#   status N                     it ended with N
#   out TEXT / err TEXT          its stdout / stderr contains TEXT
#   out_is TEXT                  its stdout is exactly TEXT and a newline
#   quiet                        it wrote nothing to stderr
#   no_crash                     it did not end by a signal or with 70

ROOT=$(cd "$(dirname "$0")/../.." && pwd)
DEED=${DEED:-$ROOT/build/deed}
case $DEED in /*) ;; *) DEED=$PWD/$DEED ;; esac
BOX=$(mktemp -d)
trap 'rm -rf "$BOX"' EXIT
cd "$BOX" || exit 2
PASSED=0 FAILED=0 NAME=
unset NO_COLOR
export TERM=xterm DEED

deed() { "$DEED" "$@"; }

try() {
  NAME=$1
  shift
  "$@" >"$BOX/.out" 2>"$BOX/.err" </dev/null
  STATUS=$?
}

# The same with standard input from a file or pipe: try_in NAME < file, via a shell line.
try_sh() {
  NAME=$1
  sh -c "$2" >"$BOX/.out" 2>"$BOX/.err"
  STATUS=$?
}

passed() { PASSED=$((PASSED + 1)); }

failed() {
  FAILED=$((FAILED + 1))
  echo "$(basename "$0"): $NAME: $1 (exit $STATUS)"
  sed 's/^/  out: /' "$BOX/.out" | head -n 5
  sed 's/^/  err: /' "$BOX/.err" | head -n 5
}

status() { if [ "$STATUS" = "$1" ]; then passed; else failed "exit $STATUS instead of $1"; fi; }
out() { if grep -qF -e "$1" "$BOX/.out"; then passed; else failed "stdout lacks: $1"; fi; }
err() { if grep -qF -e "$1" "$BOX/.err"; then passed; else failed "stderr lacks: $1"; fi; }
out_is() { if [ "$(cat "$BOX/.out")" = "$1" ]; then passed; else failed "stdout is not: $1"; fi; }
quiet() { if [ ! -s "$BOX/.err" ]; then passed; else failed "stderr is not empty"; fi; }
no_crash() { if [ "$STATUS" -lt 128 ] && [ "$STATUS" != 70 ]; then passed; else failed "it crashed"; fi; }

finish() {
  echo "$PASSED passed, $FAILED failed"
  [ "$FAILED" = 0 ]
  exit
}
