# Programs at the limits of what a function can hold: they run, or the error names the limit.
. "$(dirname "$0")/lib.sh"

awk 'BEGIN {
  printf "fn main(out: Out) {\n  let s = show(1)\n  out ! line(\"{\""
  for (i = 0; i < 70000; i++) printf "{s}"
  printf "\".len()}\")\n}\n" }' > long_text.deed
# As many values as there are registers, but for those that the loop needs.
for n in 65530 65531 65532; do
  awk -v n=$n 'BEGIN {
    printf "fn g(n: Int) -> Int { n }\nfn main(out: Out) {\n  let xs = [1]\n"
    for (i = 0; i < n; i++) printf "  let _a%d = g(%d)\n", i, i
    printf "  for x in xs { out ! line(show(x)) }\n}\n" }' > full_$n.deed
done

# 256 of something, with commas between: `many "text %d"`.
many() { awk -v text="$1" 'BEGIN { for (i = 0; i < 256; i++) { if (i) printf ", "; printf text, i } }'; }

echo "fn main() {
  let t = ($(many 1))
  let _ = t.0
}" > tuple.deed
echo "fn main() {
  match ($(many 1)) { ($(many "_a%d")) -> () }
}" > apart.deed
echo "fn first(t: ($(many Int))) -> Int { t.0 }
fn main() {
  let f = fn(($(many "_a%d"))) { 1 }
  let _ = (f, first)
}" > parameter.deed
echo "interface Wide { put($(many "a%d: Int")) }
actor Sink() is Wide { on put($(many _)) { () } }
fn main() {
  let s = spawn Sink()
  s ! put($(many 1))
}" > message.deed
{
  echo 'fn main() {'
  awk 'BEGIN { for (i = 0; i < 256; i++) printf "  let a%d = show(%d)\n", i, i }'
  echo "  let f = fn() { [$(many "a%d")] }
  let _ = f()
}"
} > captures.deed

for f in tuple apart parameter; do
  try "$f of 256 elements" deed run $f.deed
  status 1
  err "E0512"
done
for f in message captures; do
  try "256 in a $f" deed run $f.deed
  status 1
  err "E0514"
done
try "a text of many parts" deed run long_text.deed
status 0
out_is 70000
for n in 65530 65531 65532; do
  try "a loop with $n values in registers" deed run full_$n.deed
  status 1
  err "E0511"
done
finish
