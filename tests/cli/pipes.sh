# Slow readers and writers: nobody but who prints or asks waits for them, memory stays bounded, signals and closed pipes are noticed.
. "$(dirname "$0")/lib.sh"

cat > ever.deed <<'X'
fn main(out: Out) { while true { out ! line("as long as nobody reads this, it must not pile up without end") } }
X
cat > pair.deed <<'X'
interface Loop { again(n: Int) }
actor Printer(out: Out) is Loop {
  on again(n) {
    out ! line("as long as nobody reads this, it must not pile up without end")
    self ! again(n + 1)
  }
}
fn main(out: Out) {
  for _ in 0..20 {
    let p = spawn Printer(out)
    p ! again(0)
  }
}
X
cat > many.deed <<'X'
fn main(out: Out) { for i in 0..200_000 { out ! line("line {i}") } }
X
cat > flush.deed <<'X'
fn main(out: Out, err: Out) {
  out ! write("x".repeat(300_000))
  let flushed = out ! flush()
  err ! line("asked")
  await flushed
  err ! line("flushed")
}
X
cat > beside.deed <<'X'
fn main(slow: ReadFile, other: File, out: Out) -> Result[(), IoErr] {
  let late = slow ! text()
  let _ = try await other ! write("one".to_bytes())
  let _ = try await other ! append(" two".to_bytes())
  let text = try await other ! text()
  out ! line(text)
  await out ! flush()
  let rest = try await late
  out ! line(rest.trim())
  Ok(())
}
X
cat > unread.deed <<'X'
fn main(slow: ReadFile, out: Out, args: List[String]) -> Result[(), IoErr] {
  out ! line("done")
  if args.len() > 0 {
    let _ = try await slow ! size()
  }
  Ok(())
}
X
cat > limit.deed <<'X'
fn main(slow: ReadFile, out: Out) {
  match (slow ! text()).outcome(within: 20ms) {
    Ok(_) -> out ! line("read")
    Err(_) -> out ! line("too late")
  }
}
X
cat > order.deed <<'X'
fn main(file: File, out: Out) -> Result[(), IoErr] {
  let _ = file ! write("".to_bytes())
  for i in 0..300 { file ! append("{i} ".to_bytes()) }
  let text = try await file ! text()
  out ! line("{text.words().len()} {text.words() == list_of(300)}")
  file ! append("and the last".to_bytes())
  Ok(())
}
fn list_of(n: Int) -> List[String] { (0..n).to_list().map(fn(i) { "{i}" }) }
X
cat > crashes.deed <<'X'
interface Crasher { now() }
actor Bomb(text: String) is Crasher { on now() { crash text } }
fn main(out: Out) {
  let text = "boom ".repeat(40)
  for _ in 0..10_000 {
    let c = spawn Bomb(text)
    c ! now()
    let _ = await ended(c)
  }
  out ! line("all have crashed")
}
X

# Each case ends with the line "ok", or with what went wrong. Nothing here waits for time to pass: a program has stalled when SIGQUIT
# shows its printer suspended.
cat > pipes.py <<'X'
import os, signal, subprocess, sys
DEED = os.environ["DEED"]
case, words = sys.argv[1], sys.argv[2:]

def start():
    return subprocess.Popen([DEED, "run", "--grace", "50ms", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE)

def stalled(p, actor):
    while True:
        p.send_signal(signal.SIGQUIT)
        for line in iter(p.stderr.readline, b""):
            if line.startswith(b"  " + actor) and b": suspended" in line:
                return
            if line.startswith(b"who waits"):
                break
        else:
            sys.exit("it ended before it stalled")

def resident(p):
    with open(f"/proc/{p.pid}/status") as f:
        return next(int(l.split()[1]) for l in f if l.startswith("VmHWM"))

def ended(p, status):
    got = p.wait()
    if got != status and 128 - got != status:  # it may end by the signal itself
        sys.exit(f"status {got} instead of {status}")
    print("ok")

if case in ("signal", "closed"):
    actor = words.pop().encode()
    p = start()
    p.stdout.read(10)
    stalled(p, actor)
    if resident(p) > 200_000:
        sys.exit(f"{resident(p)} KB")
    if case == "signal":
        p.send_signal(signal.SIGTERM)
        ended(p, 143)
    else:
        p.stdout.close()
        ended(p, 141)
elif case == "drained":
    p = start()
    first = p.stdout.read(10)
    stalled(p, b"main")
    lines = (first + p.stdout.read()).split(b"\n")
    if lines != [b"line %d" % i for i in range(200_000)] + [b""]:
        sys.exit("lines are missing")
    ended(p, 0)
elif case == "flush":
    p = start()
    if p.stderr.readline() != b"asked\n":
        sys.exit("not asked")
    os.set_blocking(p.stderr.fileno(), False)
    early = p.stderr.read()
    os.set_blocking(p.stderr.fileno(), True)
    if early:
        sys.exit("flushed before anybody read")
    if len(p.stdout.read()) != 300_000 or p.stderr.read() != b"flushed\n":
        sys.exit("not flushed")
    ended(p, 0)
elif case == "fifo":
    p = start()
    if p.stdout.readline() != b"one two\n":
        sys.exit("the other file waited")
    with open("fifo", "w") as f:
        f.write("late\n")
    if p.stdout.read() != b"late\n":
        sys.exit("the FIFO was not read")
    ended(p, 0)
elif case == "fifo-signal":
    p = start()
    p.stdout.readline()
    p.send_signal(signal.SIGTERM)
    ended(p, 143)
elif case == "reports":
    p = start()
    if p.stdout.readline() != b"all have crashed\n":
        sys.exit("it waited for who reads stderr")
    err = p.stderr.read()
    if b"bytes were left out here" not in err or err.count(b"crash") < 1000:
        sys.exit(f"{len(err)} bytes of reports")
    ended(p, 0)
X
pipes() { timeout 300 python3 pipes.py "$@"; }
mkfifo fifo

try "SIGTERM while nobody reads" pipes signal ever.deed main; out "ok"
try "nobody reads what many print" pipes signal pair.deed Printer; out "ok"
try "the reader goes while all wait for it" pipes closed ever.deed main; out "ok"
try "a slow reader gets all" pipes drained many.deed; out "ok"
try "flush answers once all is written" pipes flush flush.deed; out "ok"
try_sh "seeded, a pipe that closes" '"$DEED" --seed 3 ever.deed | head -n 1'; out "as long as"
try "reports that nobody reads" pipes reports crashes.deed; out "ok"
try "a FIFO stops nobody" pipes fifo beside.deed --slow=file:fifo --other=file:other.txt; out "ok"
try "SIGTERM while a FIFO is read" pipes fifo-signal beside.deed --slow=file:fifo --other=file:other.txt; out "ok"
try "a FIFO that nobody asks for" deed unread.deed --slow=file:fifo; status 0; out "done"
try "a FIFO whose text is not waited for" deed limit.deed --slow=file:fifo; status 0; out "too late"
try "requests in order" deed order.deed --file=file:order.txt; status 0; out_is "300 true"
try "what nobody awaits is written" tail -c 12 order.txt; out_is "and the last"
try_sh "a pipe as a file" 'echo through | "$DEED" beside.deed --slow=file:/dev/stdin --other=file:other.txt'; status 0; out "through"
finish
