# Modules that the verifier lets pass and no compiler writes: what the machine itself must stop when they run.
. "$(dirname "$0")/lib.sh"

# A constant that calls, through a closure, what has effects: with what each of them does.
constant() {
  cat <<X
import prelude
main main
let p: Bool = p.init
closure fn p.fn() -> Bool effects sends {
  regs r0: List[Promise[Int]], r1: Promise[List[Int]], r2: Bool, r3: String
  $1
}
global fn p.init() -> Bool {
  regs r0: fn() -> Bool, r1: Bool
  closure r0, p.fn ()
  callc r1, r0 ()
  ret r1
}
fn main() -> () {
  regs r0: ()
  unit r0
  ret r0
}
fn gathers(List[Promise[Int]]) -> Promise[List[Int]] effects sends {
  tailcall prelude.all[Int] (r0)
}
native fn all from prelude [T0](List[Promise[T0]]) -> Promise[List[T0]] effects sends
X
}

constant 'bool r2, 1
  ret r2' > fine.dasm
constant 'nil r0
  call r1, prelude.all[Int] (r0)
  bool r2, 1
  ret r2' > gathers.dasm
constant 'nil r0
  call r1, gathers (r0)
  bool r2, 1
  ret r2' > gathers_last.dasm
constant 'stop' > stops.dasm
constant 'const r3, "why"
  crash r3' > crashes.dasm

try "a constant by a closure" deed run fine.dasm; status 0; quiet
try "a constant that gathers promises" deed run gathers.dasm; no_crash; status 1; err "may not send"
try "a constant that gathers in a tail call" deed run gathers_last.dasm; no_crash; status 1; err "may not send"
try "a constant that stops" deed run stops.dasm; no_crash; status 1; err "it stops"
try "a constant that crashes" deed run crashes.dasm; no_crash; status 1; err "why"

# Names may be as long as a line of a report.
name=A$(printf 'b%.0s' $(seq 1015))
cat > long.deed <<X
actor $name() { on go() -> Int { crash "why" } }
fn main(out: Out) { out ! line("{(spawn $name() ! go()).outcome()}") }
X
try "a crash of an actor with a long name" deed run long.deed; status 0; err " crashed handling go() from main#1"

# A module that names a hundred thousand others: time for it grows no faster than its size.
{ seq -f 'import m%g' 100000; printf 'main main\nfn main() -> () {\n  regs r0: ()\n  unit r0\n  ret r0\n}\n'; } > crowd.dasm
try "many imports" timeout 8 "$DEED" verify crowd.dasm; status 1; out "refused: import-missing"

finish
