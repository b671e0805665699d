# Signals that end a run: in order on SIGTERM, at once on others, and always.
. "$(dirname "$0")/lib.sh"

# A tree: `boss` with a, b and a supervisor of d and e; its monitor prints who has ended. It says "begun" when all run.
cat > tree.deed <<'D'
actor Cell() { on get() -> Int { 1 } }
actor Monitor(out: Out) {
  on watch(name: String, e: Promise[Exit]) -> () { let _ = when e { Ok(x) -> out ! line("{name} {x}")  Err(_) -> () } }
}
interface Watches { watch(name: String, e: Promise[Exit]) -> () }
fn cell(name: String, m: Monitor) -> (Cell, Child) {
  child(fn() {
    let c = spawn Cell()
    await m ! watch(name, ended(c))
    c
  })
}
fn main(out: Out, stdin: In) {
  let m = spawn Monitor(out)
  let (a, ka) = cell("a", m)
  let (b, kb) = cell("b", m)
  let (d, kd) = cell("d", m)
  let (e, ke) = cell("e", m)
  let (_, inner) = child(fn() { supervise(strategy: OneForAll, max: 5, per: 10s, children: [kd, ke]) })
  let boss = supervise(strategy: OneForOne, max: 5, per: 10s, children: [ka, kb, inner])
  for c in [a, b, d, e] { let _ = await c ! get() }
  await m ! watch("boss", ended(boss))
  let ever = task { await stdin ! line() }
  out ! line("begun")
  await out ! flush()
  let _ = await ever
}
D
sed 's/actor Monitor(out: Out)/actor Monitor(out: Out) is Watches/; s/-> () { let/{ let/; s/m: Monitor/m: Watches/; s/on watch(name: String, e: Promise\[Exit\])/on watch(name, e)/' tree.deed > tree2.deed
mv tree2.deed tree.deed

# Six actors that never end their turns, started after and before a supervised one.
cat > wedged.deed <<'D'
actor Busy() { on spin() { while true { } } }
actor Cell() { on get() -> Int { 1 } }
fn main(out: Out) {
  for _ in 0..3 { (spawn Busy()) ! spin() }
  let (a, ka) = child(fn() { spawn Cell() })
  let s = supervise(strategy: OneForOne, max: 5, per: 10s, children: [ka])
  let _ = await a ! get()
  for _ in 0..3 { (spawn Busy()) ! spin() }
  out ! line("begun")
  await out ! flush()
  out ! line("supervisor {await ended(s)}")
}
D

# A child amid an endless turn: it is killed, and the one before it ends in order.
cat > stuck.deed <<'D'
actor Cell() { on get() -> Int { 1 } on spin() { while true { } } }
fn main(out: Out) {
  let (a, ka) = child(fn() { spawn Cell() })
  let (b, kb) = child(fn() { spawn Cell() })
  let s = supervise(strategy: OneForOne, max: 5, per: 10s, children: [ka, kb])
  let _ = await a ! get()
  let _ = await b ! get()
  let gone = ended(a)
  b ! spin()
  out ! line("begun")
  await out ! flush()
  out ! line("{await gone} {await ended(s)}")
}
D

# The turn that runs is finished and its request answered; what is in the mailbox is not begun, and breaks.
cat > turn.deed <<'D'
actor Slow(out: Out) {
  on work(n: Int) -> Int {
    out ! line("begun")
    await out ! flush()
    var i = 0
    while i < 10_000_000 { i += 1 }
    out ! line("done {n}")
    n
  }
}
fn main(out: Out) {
  let s = spawn Slow(out)
  let first = s ! work(1)
  let third = s ! work(3)
  out ! line("answer {first.outcome()}")
  out ! line("answer {third.outcome()}")
}
D

# A turn waits for one that was started before, which waits for nothing: it gets its answer.
cat > chain.deed <<'D'
actor Below() {
  on get() -> Int {
    var i = 0
    while i < 3_000_000 { i += 1 }
    7
  }
}
actor Above(b: Below, out: Out) {
  on go() {
    out ! line("begun")
    await out ! flush()
    out ! line("got {await b ! get()} {await b ! get()}")
  }
}
fn main(out: Out) {
  let (b, kb) = child(fn() { spawn Below() })
  let (a, ka) = child(fn() { spawn Above(b, out) })
  let _ = supervise(strategy: OneForOne, max: 5, per: 10s, children: [kb, ka])
  a ! go()
}
D

cat > input.deed <<'D'
fn main(out: Out, stdin: In, clock: Clock) {
  let late = task {
    await clock ! after(1h)
    1
  }
  out ! line("begun")
  await out ! flush()
  let _ = await stdin ! line()
  let _ = await late
}
D

cat > bomb.deed <<'D'
actor A() { on go() { (spawn A()) ! go() } }
actor B() { on go() { while true { (spawn A()) ! go() } } }
fn main(out: Out) {
  (spawn A()) ! go()
  (spawn B()) ! go()
  out ! line("begun")
  await out ! flush()
  while true {
    let _ = task { 1 }
  }
}
D

cat > ask.deed <<'D'
actor W() {
  on work() -> Int {
    var i = 0
    while i < 100_000 { i += 1 }
    i
  }
}
fn main(out: Out) {
  let w = spawn W()
  out ! line("begun")
  await out ! flush()
  while true {
    let _ = await w ! work()
  }
}
D

cat > full.deed <<'D'
actor Cell() { on get() -> Int { 1 } }
fn main(out: Out, err: Out) {
  let (a, ka) = child(fn() { spawn Cell() })
  let s = supervise(strategy: OneForOne, max: 5, per: 10s, children: [ka])
  let _ = await a ! get()
  let _ = task {
    let _ = await ended(s)
    err ! line("heard")
  }
  out ! line("begun")
  await out ! flush()
  while true { out ! line("as long as nobody reads this, it must not pile up without end") }
}
D

cat > frozen.deed <<'D'
actor Cell() { on get() -> Int { 1 } }
actor Host(bank: Bank) {
  on host() -> Cell { spawn Cell() in bank }
}
fn main(out: Out, bank: Bank, stdin: In) {
  let b = await bank ! carve(memory: 10mb, share: 10)
  let c = await (spawn Host(b)) ! host()
  let _ = await c ! get()
  let e = ended(c)
  b ! freeze()
  let p = c ! get()
  out ! line("begun")
  await out ! flush()
  let _ = await stdin ! line()
  out ! line("{p.outcome()} {await e}")
}
D

# drive.py SIGNALS STATUS WITHIN words…: sends the signals once "begun" is there, each further one when the process has taken the one before
# (it shows its actors after that: stderr is theirs then, and not printed), and prints what came then; "full" as the first signal: nobody
# reads meanwhile.
cat > drive.py <<'P'
import os, signal, subprocess, sys, time
signals, status, within, words = sys.argv[1].split(","), int(sys.argv[2]), float(sys.argv[3]), sys.argv[4:]
reads = signals[0] != "full"
p = subprocess.Popen([os.environ["DEED"], "run", *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
while p.stdout.readline() not in (b"begun\n", b""):
    pass

def shown():
    p.send_signal(signal.SIGQUIT)
    while not next(p.stderr).startswith(b"actors: "):
        pass

start = time.monotonic()
for name in signals if reads else signals[1:]:
    p.send_signal(getattr(signal, "SIG" + name))
    if name != signals[-1]:
        shown()
if reads:
    out, err = p.communicate()
    sys.stdout.write(out.decode())
    if len(signals) == 1:
        sys.stderr.write(err.decode())
else:
    p.wait()
    sys.stderr.write(p.stderr.read().decode())
took = time.monotonic() - start
if p.returncode != 0 and 128 - p.returncode != status or took > within * float(os.environ.get("SLOW", "1")):
    print(f"status {p.returncode} after {took:.2f} s", file=sys.stderr)
P
drive() { timeout 20 python3 drive.py "$@"; }

for w in "--workers 1" "--workers 4" "--seed 7"; do
  try "a tree ends in reverse order, $w" drive TERM 143 3 $w tree.deed
  out_is "$(printf 'e Killed\nd Killed\nb Killed\na Killed\nboss Killed')"
  try "beside endless loops, $w" drive TERM 143 4 --grace 2s $w wedged.deed; out_is "supervisor Killed"; quiet
  try "a child amid an endless loop, $w" drive TERM 143 4 --grace 1s $w stuck.deed; out_is "Killed Killed"; quiet
  try "a turn is finished, $w" drive TERM 143 4 $w turn.deed
  out_is "$(printf 'done 1\nanswer Ok(1)\nanswer Err(Stopped)')"; quiet
  try "a turn that asks is finished, $w" drive TERM 143 4 $w chain.deed; out_is "got 7 7"; quiet
  try "input and time are not waited for, $w" drive TERM 143 3 --grace 1h $w input.deed; out_is ""; quiet
  try "endless spawning, $w" drive TERM 143 4 --grace 500ms $w bomb.deed; out_is ""; quiet
  try "who asks is no crash, $w" drive TERM 143 3 --grace 1h $w ask.deed; out_is ""; quiet
  try "a frozen bank, $w" drive TERM 143 3 --grace 1h $w frozen.deed; out_is ""; quiet
  try "no grace, $w" drive TERM 143 3 --grace 0 $w wedged.deed; out_is ""; quiet
  for s in INT/130 HUP/129; do
    try "SIG$s, $w" drive ${s%/*} ${s#*/} 3 --grace 1h $w wedged.deed; out_is ""; quiet
  done
  try "a second SIGTERM, $w" drive TERM,TERM 143 3 --grace 1h $w wedged.deed; quiet
  try "SIGINT after SIGTERM, $w" drive TERM,INT 130 3 --grace 1h $w wedged.deed; quiet
done
for w in "--workers 1" "--workers 4"; do
  try "nobody reads, $w" drive full,TERM 143 4 --grace 1s $w full.deed; out_is ""; err "heard"
done
try "nobody reads, seeded" drive full,TERM 143 4 --grace 500ms --seed 3 full.deed; out_is ""
try_sh "nohup" 'trap "" HUP; python3 drive.py HUP,TERM 143 4 --workers 1 tree.deed'; out "a Killed"

# While the program is read and compiled, signals do what they do to any process.
mkfifo source
try_sh "during the start" '"$DEED" run source & p=$!; exec 3>source; printf "fn main() {" >&3; kill -TERM $p; wait $p'; status 143

for bad in 5 5x s -1s 25h 99999999999999999999s; do
  try "--grace $bad" deed run --grace "$bad" tree.deed; status 2; err "takes a time such as 500ms or 10s"
done
try "--grace in help" deed help run; out "--grace TIME"
finish
