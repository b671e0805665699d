# On a terminal: the grant screen, colour, help.
. "$(dirname "$0")/lib.sh"

cat > book.deed <<'X'
fn main(book: ReadFile, out: Out) -> Result[(), IoErr] {
  let text = try await book ! text()
  out ! line("read: {text.trim()}")
  Ok(())
}
X
cat > bad.deed <<'X'
fn main() { let n: Int = "x" }
X
echo once > a.txt

# terminal TYPED command…: runs the command on a terminal of its own and types TYPED; then prints what was shown.
cat > terminal.py <<'X'
import os, pty, sys, select, time
pid, fd = pty.fork()
if pid == 0:
    os.execvp(sys.argv[2], sys.argv[2:])
os.write(fd, sys.argv[1].encode().decode("unicode_escape").encode())
shown, end = b"", time.time() + 20
while time.time() < end and select.select([fd], [], [], 20)[0]:
    try:
        part = os.read(fd, 4096)
    except OSError:
        break
    if not part:
        break
    shown += part
sys.stdout.write(shown.decode(errors="replace").replace("\r\n", "\n"))
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
X
terminal() { python3 terminal.py "$@"; }

try "a missing grant is asked for" terminal 'a.txt\n' "$DEED" book.deed; status 0; out "asks for:"; out "ReadFile"; out "read: once"
try "an empty line refuses" terminal '\n' "$DEED" book.deed; status 77; out "refused"
try "never asked" terminal '\n' "$DEED" run --no-prompt book.deed; status 77; out "add --book=file:PATH"
try "what is granted is not asked" terminal '' "$DEED" book.deed --book=file:a.txt; status 0; out_is "read: once"
try "help" terminal '' "$DEED"; status 0; out "Commands:"
try "colour" terminal '' "$DEED" check bad.deed; status 1; out "$(printf '\033[')"
try "NO_COLOR" terminal '' env NO_COLOR=1 "$DEED" check bad.deed; status 1
if grep -q "$(printf '\033')" .out; then failed "coloured"; else passed; fi
try "a dumb terminal" terminal '' env TERM=dumb "$DEED" check bad.deed; status 1
if grep -q "$(printf '\033')" .out; then failed "coloured"; else passed; fi
finish
