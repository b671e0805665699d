# Memory gives out at one allocation after another: an actor may crash for it, the program never does, and nothing is lost.
. "$(dirname "$0")/lib.sh"

cat > all.deed <<'X'
actor Asks(clock: Clock) {
  var seen = [:]
  on ask(n: Int) -> String when n > 0 { seen = seen.insert(n, "n".repeat(n)); await clock ! after(1us * n); "{seen}" }
  on later(n: Int) -> String {
    let p = task { [n, n].map(fn(x) { "{x}" }) }
    when p { Ok(texts) -> texts.join("-")  Err(why) -> crash "for {why}" }
  }
}
actor Waits() {
  on wait() -> Int {
    let p = task { crash "at once" }
    when p { Ok(n) -> n  Err(why) -> crash "for {why}" }
  }
}
fn main(out: Out, clock: Clock) {
  out ! line("{((spawn Waits()) ! wait()).outcome()}")
  let a = spawn Asks(clock)
  let over = ended(a)
  let texts = [a ! ask(40), a ! later(2), race([a ! later(3), task { crash "in a task" }]), a ! ask(2)].map(fn(p) { p.outcome() })
  out ! line("{texts} {all([a ! ask(1), a ! later(9)]).outcome()} {over.outcome(within: 5ms)}")
}
X

sound() {
  if [ "$STATUS" -le 1 ] && ! grep -qE 'Sanitizer|runtime error|bug' "$BOX/.err"; then passed; else failed "it failed"; fi
}
for n in $(seq 1 100); do
  try "allocation $n fails" deed run --seed 1 --fail-alloc-at="$n" all.deed; sound
done
finish
