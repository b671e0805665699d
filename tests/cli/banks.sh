# Banks seen from the command line: the node's limit, shares of CPU time, whose crashes are reported.
. "$(dirname "$0")/lib.sh"

cat > usage.deed <<'X'
fn main(out: Out, bank: Bank) {
  let u = await bank ! usage()
  out ! line("{u.limit} {u.memory > 0} {u.memory < 1mb}")
}
X
try "the option" deed run --memory 100mb usage.deed; status 0; out_is "104857600 true true"; quiet
try "in bytes" deed run --memory 5000000 usage.deed; status 0; out_is "5000000 true true"; quiet
try "a part of what there is" deed run usage.deed; status 0; quiet
limit=$(cut -d' ' -f1 "$BOX/.out")
physical=$(($(getconf _PHYS_PAGES) * $(getconf PAGESIZE)))
if [ "$limit" -gt 1000000 ] && [ "$limit" -le $((physical / 8 * 7)) ]; then passed; else failed "a limit of $limit bytes"; fi

# Two loops without end in one worker: what they have done when somebody looks. One has a share of 1, the other one of 100.
cat > share.deed <<'X'
actor Loop(tally: Tally, heavy: Bool) {
  on go() {
    var k = 0
    while true {
      k += 1
      if k % 1000 == 0 { tally ! did(heavy) }
    }
  }
}

actor Tally(done: Done) {
  var light = 0
  var heavy = 0
  on did(h: Bool) {
    if h { heavy = heavy + 1 } else { light = light + 1 }
    if light + heavy == 20_000 { done ! all(light, heavy) }
  }
}

actor Done() {
  var result: Option[(Int, Int)] = None
  on all(light: Int, heavy: Int) { result = Some((light, heavy)) }
  on wait() -> (Int, Int) when result.is_some() {
    match result {
      Some(r) -> r
      None -> (0, 0)
    }
  }
}

fn main(out: Out, bank: Bank) {
  let low = await bank ! carve(10mb, 1)
  let high = await bank ! carve(10mb, 100)
  let done = spawn Done()
  let tally = spawn Tally(done)
  let a = spawn Loop(tally, false) in low
  let b = spawn Loop(tally, true) in high
  a ! go()
  b ! go()
  let (light, heavy) = await done ! wait()
  out ! line("{light > 0} {heavy > 30 * light} {heavy < 400 * light}")
  await low ! destroy()
  await high ! destroy()
}
X
try "shares" deed run --workers 1 share.deed; status 0; out_is "true true true"; quiet

cat > reports.deed <<'X'
actor Bug() {
  on go() -> Int { crash "told to its holder" }
}
fn main(out: Out, bank: Bank) {
  let b = await bank ! carve(1mb, 100)
  let a = spawn Bug() in b
  let end = ended(a)
  out ! line("{(a ! go()).outcome()} {await end}")
  let c = spawn Bug()
  out ! line("{(c ! go()).outcome().is_ok()}")
}
X
try "crashes in other banks" deed run reports.deed; status 0; err "Bug#6 crashed"; err "reports.deed:2"
if grep -q "Bug#5" "$BOX/.err"; then failed "a crash in a bank below the root was reported"; else passed; fi

finish
