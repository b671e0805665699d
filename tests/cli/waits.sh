# SIGQUIT: shows what the actors do and who waits for whom, and the program goes on.
. "$(dirname "$0")/lib.sh"

# Starts the program $2, asks it for its actors once it has said that it has begun, and when line $3 of the answer is there, does $4:
# `line` sends the line on stdin that it waits for, `end` ends it by SIGTERM.
ask() {
  rm -f in told report
  mkfifo in
  try_sh "$1" '
    "$DEED" run --grace 50ms '"$2"' <in >told 2>report &
    p=$! tries=0
    exec 3>in
    seen() { while ! grep -q -e "$1" "$2"; do tries=$((tries + 1)); [ $tries -lt 3000 ] || return 1; sleep 0.02; done; }
    seen begun told && kill -QUIT $p && seen "'"$3"'" report && kill -0 $p
    [ '"$4"' = line ] && echo >&3 || kill -TERM $p
    exec 3>&-
    wait $p
    code=$?
    cat report >&2
    exit $code'
}

cat > slow.deed <<'X2'
actor Slow(stdin: In) {
  var shut = true
  on sleep() -> Int {
    let _ = await stdin ! line()
    1
  }
  on shut() -> Int when not shut { 0 }
}
actor Middle(s: Slow) {
  on ask() -> Int { await s ! sleep() }
}
fn main(out: Out, stdin: In) {
  let s = spawn Slow(stdin)
  let m = spawn Middle(s)
  let _ = s ! shut()
  await out ! flush()
  out ! line("begun")
  await out ! flush()
  let ns = await all([m ! ask(), s ! sleep()])
  out ! line("{ns}")
}
X2
ask "asleep" slow.deed "  Middle#5 -> Slow#4" line
status 0
err "actors: "
err "  main#1: suspended, 0 messages, awaits all"
err "  Slow#4: suspended, 2 messages, awaits In.line"
err "  Middle#5: suspended, 0 messages, awaits Slow.sleep"
err "who waits for whom:"
err "  main#1 -> Middle#5, Slow#4"
err "  Slow#4 -> what is outside"
err "  Middle#5 -> Slow#4"
try "it went on" cat told; out_is "$(printf 'begun\n[1, 1]')"

cat > busy.deed <<'X2'
actor Spinner() {
  on spin() -> Int { while true { }; 1 }
}
fn main(out: Out) {
  out ! line("begun")
  await out ! flush()
  let n = await (spawn Spinner()) ! spin()
  out ! line("{n}")
}
X2
ask "busy" busy.deed "  main#1 -> Spinner#" end
status 143
err "running, 0 messages"
err "  main#1 -> Spinner#"

cat > many.deed <<'X2'
actor One(stdin: In) { on wait() -> Int { let _ = await stdin ! line()
  1 } }
fn main(out: Out, stdin: In) {
  var asked: List[Promise[Int]] = []
  for _ in 0..1500 {
    let o = spawn One(stdin)
    asked = [o ! wait(), ..asked]
  }
  out ! line("begun")
  await out ! flush()
  out ! line("{(await all(asked)).len()}")
}
X2
ask "many" many.deed "  main#1 -> One#" line
status 0
err "  … and 5"
err "  main#1 -> One#"
err ", …"
try "it went on" cat told; out_is "$(printf 'begun\n1500')"
finish
