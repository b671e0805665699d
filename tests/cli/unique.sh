# Unique values in modules that are written by hand: what the instructions do, whatever the compiler makes use of.
. "$(dirname "$0")/lib.sh"

# Drops of deep chains, options and tuples; looking into and taking apart; state that is lent, replaced and exchanged.
cat > ops.dasm <<'X'
module main
main main
import array
native fn new from array [T0](int, T0) -> Array[T0]
import prelude
import option
data Option from option [T0] {
  Some(value: T0)
  None
}
interface Out from prelude {
  line(s: String)
  write(s: String)
  flush() -> ()
}
data Chain unique {
  Link(a: Array[Int], n: int, b: Array[String], next: Chain)
  End
}
interface Keep {
  look(i: Int) -> Int
  bump()
}
actor Keeper () {
  is Keep (0, 1)
  init Keeper.init
  var a: Array[Int]
  var n: int
  var s: String
  on look Keeper.look
  on bump Keeper.bump
}
init fn Keeper.init() -> () of Keeper effects reads, assigns {
  regs r0: (), r1: Array[Int], r2: int, r3: String
  int r2, 5
  call r1, zeros (r2)
  set r1, 0
  set r2, 1
  const r3, "first"
  set r3, 2
  unit r0
  ret r0
}
handler fn Keeper.look(Int) -> Int of Keeper effects reads {
  regs r1: Array[Int], r2: Int, r3: int
  lend r1, 0
  unbox_int r3, r0
  aget r2, r1, r3
  ret r2
}
handler fn Keeper.bump() -> () of Keeper effects reads, assigns {
  regs r0: Array[Int], r1: int, r2: int, r3: (), r4: Array[Int], r5: String
  int r1, 7
  replace r2, r1, 1
  const r5, "second"
  replace r5, r5, 2
  call r0, zeros (r1)
  int r1, 0
  aset_int r0, r1, r2
  lend r4, 0
  exchange r4, r0
  aset_int r4, r2, r2 
  drop r0, Array[Int]
  unit r3
  ret r3
}
fn zeros(int) -> Array[Int] {
  regs r1: Int
  const r1, 0
  tailcall array.new[Int] (r0, r1)
}
fn strings(int) -> Array[String] {
  regs r1: String
  const r1, "x"
  tailcall array.new[String] (r0, r1)
}
fn chain(int) -> Chain {
  regs r1: Chain, r2: Array[Int], r3: Array[String], r4: int
  ctor r1, 1
  int r4, 3
again:
  jlei r0, 0, end
  call r2, zeros (r4)
  call r3, strings (r4)
  new r1, 0 (r2, r0, r3, r1)
  addi r0, r0, -1
  loop again
end:
  ret r1
}
fn walk(Chain) -> Int {
  regs r1: int, r2: int, r3: Array[Int], r4: Array[String], r5: Int, r6: int, r7: Array[Int], r8: Array[String]
  int r6, 0
again:
  jtag r0, 1, end
  peek r0, 0 (r3, r2, r4, _)
  alen r1, r3
  add r6, r6, r2
  add r6, r6, r1
  unpack r0, 0 (r7, _, r8, r0)
  drop r7, Array[Int]
  drop r8, Array[String]
  loop again
end:
  unpack r0, 1 ()
  box_int r5, r6
  ret r5
}
fn pairs(Array[Int], Array[String], Int, Int) -> (Array[Int], Int, Array[String], Int) {
  regs r4: (Array[Int], Array[String]), r5: (Array[Int], Int, Array[String], Int), r6: Array[Int], r7: int
  tuple r4 (r0, r1)
  elem r6, r4, 0
  alen r7, r6
  split r4 (r0, r1)
  tuple r5 (r0, r2, r1, r3)
  split r5 (r0, _, r1, r3)
  box_int r2, r7
  tuple r5 (r0, r2, r1, r3)
  ret r5
}
fn main(prelude.Out) -> () effects sends, spawns, suspends names (out) {
  regs r1: int, r2: Chain, r3: (), r4: String, r5: Int, r6: option.Option[(Array[Int], Chain)], r7: (Array[Int], Chain), r8: Array[Int], r9: Array[String], r10: (Array[Int], Int, Array[String], Int), r11: Keep
  int r1, 100000
  call r2, chain (r1)
  drop r2, Chain
  int r1, 1000
  call r2, chain (r1)
  call r5, walk (r2)
  show r4, r5
  send r0, 0 (r4)
  int r1, 10
  call r2, chain (r1)
  call r8, zeros (r1)
  tuple r7 (r8, r2)
  new r6, 0 (r7)
  drop r6, option.Option[(Array[Int], Chain)]
  ctor r6, 1
  drop r6, option.Option[(Array[Int], Chain)]
  call r8, zeros (r1)
  call r9, strings (r1)
  const r5, 8
  call r10, pairs (r8, r9, r5, r5)
  split r10 (r8, r5, r9, _)
  show r4, r5
  send r0, 0 (r4)
  drop r8, Array[Int]
  drop r9, Array[String]
  spawn r11, Keeper as Keep ()
  const r5, 4
  request r5, r11, 0 (r5)
  show r4, r5
  send r0, 0 (r4)
  send r11, 1 ()
  const r5, 5
  request r5, r11, 0 (r5)
  show r4, r5
  send r0, 0 (r4)
  const r5, 6
  request r5, r11, 0 (r5)
  const r5, 7
  request r5, r11, 0 (r5)
  unit r3
  ret r3
}
X
try "instructions on unique values" deed ops.dasm; status 1; out_is "503500
10
0
5"
err "index 7 is out of range: the array has 7 elements"
try "they assemble and disassemble" sh -c '"$DEED" asm -o a.deedm ops.dasm && "$DEED" dis a.deedm > b.dasm && "$DEED" asm -o b.deedm b.dasm && cmp a.deedm b.deedm'; status 0
finish
