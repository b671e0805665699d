# Programs that take all the memory they can get, in the node's own bank: an actor crashes for it, with a word that says why, and the process stays
# within the limit that it was given, whatever the kernel counts.
. "$(dirname "$0")/lib.sh"

LIMIT=48  # MB
cat > bounded.py <<'X2'
import os, subprocess, sys
p = subprocess.Popen(sys.argv[1:])
_, status, usage = os.wait4(p.pid, 0)
print("peak", usage.ru_maxrss // 1024, file=sys.stderr)
sys.exit(os.waitstatus_to_exitcode(status) & 255)
X2

cat > storm.deed <<'X2'
actor Storm() {
  var xs = []
  on go() -> Int {
    var i = 0
    while true { i += 1; xs = [(i, "{i}"), ..xs] }
    i
  }
}
fn main(out: Out) {
  for p in (0..6).map(fn(_) { (spawn Storm()) ! go() }) { out ! line("{p.outcome()}") }
}
X2
cat > kept.deed <<'X2'
actor Cell(n: Int) { on get() -> Int { n } }
fn main() {
  var xs = []
  var i = 0
  while true { i += 1; xs = [spawn Cell(i), ..xs] }
}
X2
cat > bomb.deed <<'X2'
actor Bomb(depth: Int) {
  var more = []
  on go() {
    while more.len() < 2 and depth < 20 {
      let b = spawn Bomb(depth + 1)
      more = [b, ..more]
      b ! go()
    }
  }
}
fn main(out: Out) {
  let b = spawn Bomb(0)
  let end = ended(b)
  b ! go()
  out ! line("{await end}")
}
X2
cat > flood.deed <<'X2'
actor Sink() {
  var open = false
  on take(_: String) when open { () }
  on open() { open = true }
}
actor Feeder() {
  on go() -> Int {
    var sinks = []
    while true {
      let s = spawn Sink()
      sinks = [s, ..sinks]
      for i in 0..1000 { s ! take("a message that is somewhat long {i}") }
    }
    0
  }
}
fn main(out: Out) {
  for p in (0..4).map(fn(_) { (spawn Feeder()) ! go() }) { out ! line("{p.outcome()}") }
}
X2
cat > text.deed <<'X2'
fn main() {
  var s = "0123456789"
  while true { s = "{s}{s}" }
}
X2
cat > arrays.deed <<'X2'
import array
actor Box() {
  var open = false
  on put(a: Array[Float]) when open { let _ = a.len() }
  on open() { open = true }
}
fn main() {
  var boxes = []
  while true {
    let b = spawn Box()
    b ! put(array.new(100_000, 1.0))
    boxes = [b, ..boxes]
  }
}
X2
cat > deep.deed <<'X2'
fn deep(n: Int) -> Int { 1 + deep(n + 1) }
fn main(out: Out) { out ! line("{deep(0)}") }
X2
cat > promises.deed <<'X2'
actor Never() { on get() -> Int when false { 1 } }
fn main() {
  var xs = []
  while true { xs = [spawn Never() ! get(), ..xs] }
}
X2
cat > shared.deed <<'X2'
actor Keep() {
  var all = []
  on take(xs: List[Int]) -> Int { all = [xs, ..all]; 1 }
}
fn main() {
  let keep = spawn Keep()
  var n = 0
  while true {
    let base = n
    n += await keep ! take((0..10_000).map(fn(i) { i + base }))
  }
}
X2
# Only jemalloc says how many pages it holds; what another allocator (a sanitizer's) leaves unused in them is not seen.
HOLES=$(ldd "$DEED" | grep -q jemalloc && echo holes)
# Of messages of one size one in 32 stays, so that no page comes free; then the same with another size.
cat > holes.deed <<'X2'
actor Sink() {
  var open = false
  var count = 0
  on take(t: String, i: Int) when open and i % 32 != 0 { count += t.len() }
  on open() -> Int { open = true; 0 }
  on count() -> Int { count }
}
actor Round(size: Int) {
  var sinks = []
  on fill(n: Int) -> Int {
    sinks = (0..n).map(fn(_) { spawn Sink() })
    let t = "x".repeat(size)
    for s in sinks { for i in 0..9_900 { s ! take("{t}{i % 10}", i) } }
    n
  }
  on thin() -> Int {
    let _ = await all(sinks.map(fn(s) { s ! open() }))
    (await all(sinks.map(fn(s) { s ! count() }))).sum()
  }
}
fn main(out: Out) {
  var size = 150
  var rounds = []
  while size < 600 {
    let r = spawn Round(size)
    rounds = [r, ..rounds]
    out ! line("{(r ! fill(2_000 / size)).outcome()} {(r ! thin()).outcome()}")
    size = size * 5 / 4
  }
  out ! line("{rounds.len()}")
}
X2

# What lies there before an actor does, and what is read from files, comes on top.
bounded() {
  peak=$(sed -n 's/^peak //p' "$BOX/.err")
  if [ "$peak" -lt $((LIMIT + LIMIT / 16 + 24)) ]; then passed; else failed "$peak MB were resident"; fi
}

for workers in 1 4; do
  for f in storm kept bomb flood text arrays deep promises shared $HOLES; do
    try "$f on $workers" python3 bounded.py timeout 50 "$DEED" run --workers $workers --memory ${LIMIT}mb $f.deed
    if [ "$STATUS" -le 1 ]; then passed; else failed "it did not end by itself"; fi
    if grep -q "out of memory" "$BOX/.out" "$BOX/.err"; then passed; else failed "nobody crashed"; fi
    if ldd "$DEED" | grep -q jemalloc; then bounded; fi
  done
done
finish
