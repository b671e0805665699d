# Several workers: the option, work that spreads, runs that end, again and again, whoever happens to be last.
. "$(dirname "$0")/lib.sh"

cat > hello.deed <<'X'
fn main(out: Out) { out ! line("hello") }
X
try "the option" deed run --workers 3 hello.deed; status 0; out_is "hello"; quiet
try "as many as there are cores" deed run --workers 0 hello.deed; status 0; out_is "hello"
try "the most" deed run --workers 256 hello.deed; status 0; out_is "hello"
try "too many" deed run --workers 257 hello.deed; status 2; err "--workers takes at most 256"
try "far too many" deed run --workers 4294967297 hello.deed; status 2; err "--workers takes at most 256"
try "no number" deed run --workers=few hello.deed; status 2; err "few"

cat > spread.deed <<'X'
fn count(n: Int) -> Int {
  var i = 0
  while i < n { i += 1 }
  i
}
fn main(out: Out) {
  var asked: List[Promise[Int]] = []
  for _ in 0..40 { asked = [task { count(20_000) }, ..asked] }
  var sum = 0
  for n in await all(asked) { sum += n }
  out ! line("{sum}")
}
X
given() { if [ "$(sed -n 's/^given to others  //p' "$BOX/.err")" -"$1" 0 ]; then passed; else failed "given to others: not $1 0"; fi; }
try "work spreads" deed run --workers 2 --stats spread.deed; status 0; out_is "800000"; given gt
try "one worker keeps it" deed run --workers 1 --stats spread.deed; status 0; out_is "800000"; given eq
try "and so does a seeded run" deed run --workers 2 --seed 1 --stats spread.deed; status 0; out_is "800000"; given eq

# Ends: of a run in which all sleep, and of one that waits for ever.
cat > race.deed <<'X'
actor Cell() {
  var n = 0
  on add(k: Int) -> Int { n += k; n }
}
fn work(cell: Cell, n: Int) -> Int {
  var last = 0
  for _ in 0..n { last = await cell ! add(1) }
  last
}
fn main(out: Out, clock: Clock) {
  let cell = spawn Cell()
  var asked: List[Promise[Int]] = []
  for i in 0..24 { asked = [task { work(cell, 10 + i) }, ..asked] }
  let _ = await all(asked)
  await clock ! after(1ms)
  out ! line("{await cell ! add(0)}")
}
X
cat > stuck.deed <<'X'
actor Silent() {
  on ask() -> Int when false { 1 }
}
fn main(out: Out) {
  let s = spawn Silent()
  var asked: List[Promise[Int]] = []
  for _ in 0..20 { asked = [task { await s ! ask() }, ..asked] }
  for n in await all(asked) { out ! line("{n}") }
}
X
repeat() { # PROGRAM STATUS TEXT COUNT WORDS…: so many runs, each with this status and this text on stdout or stderr
  NAME="$1 again and again" program=$1 expected=$2 text=$3 count=$4 wrong=0
  shift 4
  while [ "$count" -gt 0 ]; do
    timeout 60 "$DEED" run "$@" "$program" >"$BOX/.out" 2>"$BOX/.err" </dev/null
    STATUS=$?
    [ "$STATUS" = "$expected" ] && grep -qF -e "$text" "$BOX/.out" "$BOX/.err" || wrong=$((wrong + 1))
    count=$((count - 1))
  done
  if [ "$wrong" = 0 ]; then passed; else failed "$wrong runs were wrong"; fi
}
repeat race.deed 0 516 60 --workers 4
repeat race.deed 0 516 60 --workers 4 --quantum 20
repeat race.deed 0 516 30 --workers 2
repeat stuck.deed 1 "which can never be answered" 20 --workers 4

# A worker stops the run while others compute.
cat > ever.deed <<'X'
actor Busy() {
  on spin() {
    var i = 0
    while i >= 0 { i += 1 }
  }
}
fn main(out: Out) {
  for _ in 0..6 { (spawn Busy()) ! spin() }
  while true { out ! line("as long as somebody reads") }
}
X
try_sh "a reader that goes" '{ "$DEED" run --workers 4 ever.deed; echo "ended with $?" >&2; } | head -n 1'; out "as long as"; err "ended with 141"

# Signals, whoever sleeps and whoever computes.
cat > wait.deed <<'X'
actor Busy() {
  on spin() {
    var i = 0
    while i >= 0 { i += 1 }
  }
}
fn main(out: Out, stdin: In) {
  for _ in 0..3 { (spawn Busy()) ! spin() }
  out ! line("begun")
  await out ! flush()
  let _ = await stdin ! line()
}
X
sed 's/0\.\.3/0..0/' wait.deed > idle.deed
for program in wait idle; do
  try_sh "SIGTERM, $program" '
    rm -f in told; mkfifo in
    "$DEED" run --grace 50ms --workers 4 '$program'.deed <in >told 2>report & p=$! tries=0
    exec 3>in
    while ! grep -q begun told && [ $tries -lt 3000 ]; do tries=$((tries + 1)); sleep 0.02; done
    kill -QUIT $p
    while ! grep -q "who waits for whom" report && [ $tries -lt 3000 ]; do tries=$((tries + 1)); sleep 0.02; done
    kill -TERM $p
    wait $p; code=$?
    cat report
    exit $code'
  status 143; out "main#1"; out "awaits In.line"
done

finish
