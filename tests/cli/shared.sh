# What is large and sent again and again is copied once: --stats counts the bytes.
. "$(dirname "$0")/lib.sh"

cat > list.deed <<'X'
interface Sink { take(n: Int, items: List[(Int, Int)])  total() -> Int }
actor Sum() is Sink {
  var sum = 0
  on take(n, items) { sum += items.len() + n }
  on total() { sum }
}
interface Source { go(n: Int) -> Int }
actor Keeper(sinks: List[Sink], items: List[(Int, Int)]) is Source {
  let kept = items
  on go(n) { for s in sinks { s ! take(n, kept) }; n }
}
fn main(out: Out) {
  var items = []
  for i in 1..=10_000 { items = [(i, -i), ..items] }
  let sinks = [1, 2, 3, 4].map(fn(_) { spawn Sum() })
  let source = spawn Keeper(sinks, items)
  for n in 1..=250 { await source ! go(n) }
  var sum = 0
  for s in sinks { sum += await s ! total() }
  out ! line("{sum}")
}
X

cat > text.deed <<'X'
interface Reader { read(text: String)  seen() -> Int }
actor One() is Reader {
  var text = ""
  on read(t) { text = t }
  on seen() { text.len() }
}
fn main(out: Out) {
  let text = "0123456789".repeat(100_000)
  var readers = []
  for _ in 1..=1_000 { readers = [spawn One(), ..readers] }
  for r in readers { r ! read(text) }
  var sum = 0
  for r in readers { sum += await r ! seen() }
  out ! line("{sum}")
}
X

# The number behind a name that --stats prints is between two bounds.
stat() {
  n=$(sed -n "s/^$1 *//p" "$BOX/.err")
  if [ -n "$n" ] && [ "$n" -ge "$2" ] && [ "$n" -le "$3" ]; then passed; else failed "$1 is $n, not $2 to $3"; fi
}

try "a list of 10,000 pairs sent 1,000 times" deed run --seed 1 --stats list.deed; status 0; out 10125500
stat "bytes copied" 480000 900000
stat "messages sent" 1260 1270
stat "dead letters" 0 0
try "a text of a megabyte sent to 1,000 actors" deed run --seed 1 --stats text.deed; status 0; out 1000000000
stat "bytes copied" 1000000 1400000
try "it needs little memory" deed run --memory 20mb text.deed; status 0; out 1000000000
finish
