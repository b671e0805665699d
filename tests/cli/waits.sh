# SIGQUIT: shows what the actors do and who waits for whom, and the program goes on.
. "$(dirname "$0")/lib.sh"

cat > slow.deed <<'X2'
actor Slow(clock: Clock) {
  var shut = true
  on sleep() -> Int {
    await clock ! after(1500ms)
    1
  }
  on shut() -> Int when not shut { 0 }
}
actor Middle(s: Slow) {
  on ask() -> Int { await s ! sleep() }
}
fn main(out: Out, clock: Clock) {
  let s = spawn Slow(clock)
  let m = spawn Middle(s)
  let _ = s ! shut()
  await out ! flush()
  out ! line("begun")
  await out ! flush()
  let ns = await all([m ! ask(), s ! sleep()])
  out ! line("{ns}")
}
X2
# Starts a program, asks it for its actors once it has printed something, and waits for it to end.
ask() {
  try_sh "$1" '"$DEED" '"$2"' > told & p=$!; for i in 1 2 3 4 5 6 7 8 9; do sleep 0.2; [ -s told ] && break; done; sleep 0.2; kill -QUIT $p; wait $p'
}

ask "asleep" slow.deed
status 0
err "actors: "
err "  main#1: suspended, 0 messages, awaits all"
err "  Slow#4: suspended, 2 messages, awaits Clock.after"
err "  Middle#5: suspended, 0 messages, awaits Slow.sleep"
err "who waits for whom:"
err "  main#1 -> Middle#5, Slow#4"
err "  Slow#4 -> what is outside"
err "  Middle#5 -> Slow#4"
try "it went on" cat told; out_is "$(printf 'begun\n[1, 1]')"

cat > busy.deed <<'X2'
actor Spinner() {
  on spin() -> Int {
    var i = 0
    while i < 100_000_000 { i += 1 }
    i
  }
}
fn main(out: Out) {
  out ! line("begun")
  let n = await (spawn Spinner()) ! spin()
  out ! line("{n}")
}
X2
ask "busy" busy.deed
status 0
err "running, 0 messages"
err "  main#1 -> Spinner#"
try "it went on" cat told; out_is "$(printf 'begun\n100000000')"

cat > many.deed <<'X2'
actor One(clock: Clock) { on wait() -> Int { await clock ! after(1s)
  1 } }
fn main(out: Out, clock: Clock) {
  var asked: List[Promise[Int]] = []
  for _ in 0..1500 {
    let o = spawn One(clock)
    asked = [o ! wait(), ..asked]
  }
  out ! line("begun")
  await out ! flush()
  out ! line("{(await all(asked)).len()}")
}
X2
ask "many" many.deed
status 0
err "  … and 5"
err "  main#1 -> One#"
err ", …"
try "it went on" cat told; out_is "$(printf 'begun\n1500')"
finish
