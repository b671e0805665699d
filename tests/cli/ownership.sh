# What is said of unique values used wrongly: each error once, with where the value went or is lent, and what could be done.
. "$(dirname "$0")/lib.sh"

# Each message after its place, `line:column message`; hints have none.
said() {
  deed check "$1" 2>&1 | awk '
    /^(error|warning|note)/ { text = $0 }
    / --> / { split($NF, at, ":"); print at[2] ":" at[3], text }
    /^hint/ { print }'
}

cat > moves.deed <<'X'
fn eat(b: Buf) -> Int { b.len() }
fn sum(a: Array[Int]) -> Int { a.len() }
fn look(a: &Buf, b: Buf) -> Int { a.len() + b.len() }
fn both(a: &Buf, b: &Buf) -> Bool { a.len() == b.len() }
fn gone(b: Buf) -> Int {
  let n = eat(b)
  n + b.len() + b[0]
}
fn turns(b: Buf) {
  while eat(b) > 0 {}
}
fn lent(b: &Buf) -> Int { eat(b) }
fn looped(a: Array[Int]) {
  for x in a { for y in [x] { a.push(y) } }
  for x in a { let _ = sum(a) }
}
fn assigned(a: Array[Int]) {
  var b = a
  for x in b { for y in array.new(1, x) { b = array.new(1, y) } }
}
fn twice(b: Buf) -> Bool { both(&b, &b) }
fn moved(b: Buf) -> Int { look(&b, b) }
fn in_guard(b: Buf, n: Int) -> Int {
  while n > 0 {
    match n { 1 if eat(b) > 0 -> 1  _ -> { let _ = eat(b); 2 } }
  }
  n
}
unique type Pack(b: Buf, o: Option[Buf])
fn refill(p: &Pack) { let _ = replace(&p, Pack(buf.new(0), None)) }
fn clear(o: &Option[Buf]) { let _ = replace(&o, None) }
fn replaced(p: &Pack) {
  let Pack(b, _) = p
  refill(&p)
  b.push(b.len())
}
fn in_turns(p: &Pack) {
  let Pack(b, _) = p
  for _ in 0..2 { b.push(1); refill(&p) }
}
fn parts(p: &Pack) {
  let Pack(b, o) = p
  clear(&o)
  trace(p.b.both(&b))
}
fn fixed() {
  let b = buf.new(1)
  let _ = replace(&b, buf.new(2))
}
X
try "moves and loans" said moves.deed
out_is "$(cat <<'X'
7:7 error E0441: `b` is gone: a unique value is used up when it is passed, sent, returned or stored
6:15 note: moved here
10:13 error E0441: `b` is gone: a unique value is used up when it is passed, sent, returned or stored
10:13 note: moved here, in the loop's previous turn
12:31 error E0442: `b` is only lent here: it can't be kept, returned, captured, sent or passed on for good
hint: `&b` lends it on
14:31 error E0447: `a` can't be lent or changed while a loop goes over it
14:12 note: the loop over it
15:28 error E0447: `a` can't be moved while a loop goes over it
15:12 note: the loop over it
19:43 error E0447: `b` can't be assigned while a loop goes over it
19:12 note: the loop over it
21:38 error E0443: `b` is lent twice in one call
21:34 note: lent here too
22:36 error E0443: `b` is lent and moved in one call
22:33 note: lent here
25:24 error E0441: `b` is gone: a unique value is used up when it is passed, sent, returned or stored
25:56 note: moved here, in the loop's previous turn
25:56 error E0441: `b` is gone: a unique value is used up when it is passed, sent, returned or stored
25:56 note: moved here, in the loop's previous turn
35:3 error E0441: `b` is gone: it is a part of something that has been moved, replaced or assigned
34:11 note: here
39:19 error E0441: `b` is gone: it is a part of something that has been moved, replaced or assigned
39:38 note: here, in the loop's previous turn
43:10 error E0448: this is a part of something, which nothing else can be put in the place of
31:4 note: this function may replace what it is lent here
hint: take the whole apart with a pattern, which uses it up, and make it anew
44:19 error E0443: `b` is lent together with a part of it, or with what it is a part of
44:9 note: lent here too
48:20 error E0448: `b` is no `var`: what it holds can't be replaced
X
)"

cat > state.deed <<'X'
unique interface S { hello() -> S  bye() }
fn both(a: &Buf, b: &Buf) -> Bool { a.len() == b.len() }
actor Keeper(given: Buf, o: Option[Buf]) {
  var held = o
  on give() -> Buf { given }
  on held() -> Option[Buf] { held }
  on again() -> Option[Buf] { o }
}
actor Lender() {
  let a = array.new(2, 0)
  fn count(x: &Array[Int]) { x.len() + a.len() }
  fn shown(n: Int) { trace(n + a.len()) }
  on lend() -> Int { count(&a) }
  on over() {
    for x in a { for y in [x] { for z in array.new(1, y) { shown(z) } } }
  }
}
actor Session() is S {
  on hello() {
    let first = self as S
    let second = self as S
    self as S
  }
  on bye() { for i in 0..3 { let _ = self as S } }
}
actor Looks() {
  let p: (Option[Buf], Int) = (None, 0)
  fn seen() { trace(p.1) }
  fn shown() -> Bool { p.1 == 0 }
  on go() { match p.0 { Some(b) -> { seen(); trace(b.len()) }  None -> () } }
  on guarded() { match p.0 { Some(_) if shown() -> ()  _ -> () } }
}
X
try "state, sessions and matches" said state.deed
out_is "$(cat <<'X'
5:22 error E0445: `given` can't be moved out of the actor's state
hint: a `var` that holds it could be taken with `replace(&name, new)`
6:30 error E0445: `held` can't be moved out of the actor's state
hint: take it with `replace(&held, new)`, or `option.take(&held)` of an Option
7:31 error E0441: `o` is gone: the actor's initialisers have moved it
13:29 error E0444: `a` is lent to a helper that sees the actor's state
11:6 note: this one could replace it meanwhile
15:60 error E0444: `a` is lent to the loop, and this helper sees the actor's state
15:14 note: the loop over it
21:18 error E0446: the session's message is used up: it brings one session on each path
20:17 note: used up here
24:38 error E0446: the session's message is used up: it brings one session on each path
24:38 note: here, in the loop's previous turn
30:52 error E0441: `b` is gone: it is a part of something that has been moved, replaced or assigned
30:38 note: here
31:41 error E0444: `p` is lent to the match, and this helper sees the actor's state
31:24 note: the match on it
X
)"

cat > guards.deed <<'X'
fn grow(a: &Array[Int]) -> Bool { a.push(1); true }
actor Guarded() {
  let a = array.new(1, 0)
  on go() when grow(&a) {}
  on at() when { a[0] = 1; true } {}
}
X
try "guards" said guards.deed
out_is "$(cat <<'X'
4:22 error E0409: a guard only looks, but `grow` may change what it borrows here
1:4 note: declared here
5:18 error E0409: a guard only looks: it can't change `a`
X
)"

# What holds a unique type where none may be is reported there, and nowhere else.
cat > types.deed <<'X'
type Held(xs: List[Buf])
type Keys(m: Map[Int, Array[Int]], f: fn(Buf) -> Buf)
fn later(xs: List[Buf]) -> fn() -> Buf { fn() { buf.new(1) } }
fn known() {
  var xs = []
  let b = buf.new(1)
  xs = [b, ..xs]
  var o = None
  let p = o
  let f = fn() { p }
  o = Some(buf.new(1))
  var x = (None, 1)
  let q = x.0
  x = (Some(buf.new(1)), 2)
}
X
try "types" said types.deed
out_is "$(cat <<'X'
1:20 error E0420: a value of type Buf is unique, so `List` can't take it
hint: closures, collections and type parameters take plain values; tuples, Option, Result and Promise may hold unique ones
2:23 error E0420: a value of type Array[Int] is unique, so `Map` can't take it
hint: closures, collections and type parameters take plain values; tuples, Option, Result and Promise may hold unique ones
2:42 error E0420: a value of type Buf is unique, so a closure can't take it
hint: closures, collections and type parameters take plain values; tuples, Option, Result and Promise may hold unique ones
2:50 error E0420: a value of type Buf is unique, so a closure can't take it
hint: closures, collections and type parameters take plain values; tuples, Option, Result and Promise may hold unique ones
3:19 error E0420: a value of type Buf is unique, so `List` can't take it
hint: closures, collections and type parameters take plain values; tuples, Option, Result and Promise may hold unique ones
3:36 error E0420: a value of type Buf is unique, so a closure can't take it
hint: closures, collections and type parameters take plain values; tuples, Option, Result and Promise may hold unique ones
7:9 error E0420: a value of type Buf is unique, so a list can't take it
5:12 note: a list asks for a plain one here
11:7 error E0420: a value of type Buf is unique, so a closure can't take it
10:18 note: a closure asks for a plain one here
14:8 error E0428: this part is a value of type Buf, which is unique: it can't be read alone
hint: take the whole apart with a pattern, which uses it up
X
)"

cat > narrow.deed <<'X'
unique interface S { hello() -> S }
interface Plain { go() }
actor A() is S, Plain {
  on hello() { let r = self; self as S }
  on go() { let r = self as S }
}
actor B() is S {
  on hello() { let r = self; self as S }
}
fn widen(s: S, p: Plain) {
  let a = s as Plain
  let b = p as S
}
X
try "narrowing" said narrow.deed
out_is "$(cat <<'X'
4:24 error E0426: `self` would be S, the first interface of `A`, which is unique
hint: say which one is meant: `self as Plain`
5:21 error E0426: `self as S` stands only in the handler of a session's message
2:19 note: this handler is for a message of `Plain` too
8:24 error E0426: `self` would be S, the first interface of `B`, which is unique
hint: say which one is meant: `self as S`
11:11 error E0424: S is a unique interface, and `as` joins ordinary ones only
12:11 error E0424: S is a unique interface, and `as` joins ordinary ones only
hint: a session comes from `spawn`, and from `self as S` in a handler of one
X
)"
finish
