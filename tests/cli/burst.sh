# After a burst memory goes back to the system: it is looked at from outside.
. "$(dirname "$0")/lib.sh"

# Sanitizers keep what was freed.
if ! ldd "$DEED" | grep -q jemalloc; then finish; fi
for burst in "live 400000" "ended 400000" "bank 400000" "asked 100000" "mail 9000" "heap 1000000"; do
  # shellcheck disable=SC2086
  try "$burst" env DEED="$DEED" python3 "$ROOT/tests/bench/burst.py" --check $burst; status 0; quiet
done
finish
