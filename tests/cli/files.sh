# Files that are no programs, and places that cannot be written to.
. "$(dirname "$0")/lib.sh"

mkdir folder; : > empty.deed
printf 'fn main(out: Out) { out ! line("a\377b") }\n' > latin.deed
printf 'fn main(out: Out) {\000 out ! line("a") }\n' > nul.deed
printf 'fn main(out: Out) { out ! line("hi") }\n' > hi.deed
printf '\357\273\277fn main(out: Out) { out ! line("bom") }\n' > bom.deed
printf 'fn main(out: Out) { out ! line("crlf") }\r\n' > crlf.deed
{ printf 'fn main(out: Out) { out ! line("'; head -c 3000000 /dev/zero | tr '\0' x; printf '") }\n'; } > long.deed
head -c 300000 /dev/zero | tr '\0' '(' > parens.deed
head -c 65536 /dev/urandom > noise.deed
{ printf 'deedmod'; head -c 4096 /dev/urandom; } > noise.deedm
: > empty.deedm

for c in run check build dis verify caps; do
  try "$c of a missing file" deed $c missing.deed; status 1; err "missing.deed"; err "No such file"
  try "$c of a folder" deed $c folder; status 1; err "folder"
  try "$c of Latin-1" deed $c latin.deed; status 1; err "UTF-8"; err "line 1"
  try "$c of noise" deed $c noise.deed; status 1
  try "$c of a NUL byte" deed $c nul.deed; status 1
  try "$c of deep nesting" deed $c parens.deed; status 1; no_crash
done
for c in run dis verify caps; do
  try "$c of module noise" deed $c noise.deedm; status 1; err "noise.deedm"
  try "$c of an empty module" deed $c empty.deedm; status 1; err "empty.deedm"
done
try "an empty program" deed run empty.deed; status 1; err "no \`fn main\`"
try "checking an empty file" deed check empty.deed; status 0
try "caps of an empty file" deed caps empty.deed; status 0; out "no \`fn main\`"
try "CRLF" deed run crlf.deed; status 0; out_is "crlf"
try "a very long line" deed check long.deed; no_crash
try "an unreadable name" deed run "$(printf 'a\nb')"; status 1; err '\u{a}'
try "a name with a control character of two bytes" deed run "$(printf 'a\302\233b')"; status 1; err 'a\u{9b}b'

if [ "$(id -u)" != 0 ]; then
  printf 'fn main() {}' > secret.deed; chmod 0 secret.deed
  try "an unreadable file" deed run secret.deed; status 1; err "Permission denied"
fi

try "building to a full disk" deed build -o /dev/full hi.deed; status 1; err "No space left"
try "building into nowhere" deed build -o nowhere/x.deedm hi.deed; status 1; err "nowhere"
try "building onto a folder's file" deed build -o hi.deed/x.deedm hi.deed; status 1
try_sh "printing to a full disk" '"$DEED" help > /dev/full'; status 1; err "No space left"
try_sh "dis to a full disk" '"$DEED" dis hi.deed > /dev/full'; status 1; err "No space left"
try_sh "running to a full disk" '"$DEED" hi.deed > /dev/full'; no_crash
try_sh "running with stdout closed" '"$DEED" hi.deed >&-'; no_crash
printf 'fn main(out: Out, f: File) { let _ = await f ! write(b"kept"); out ! line("to out"); await out ! flush() }\n' > keep.deed
for closed in '>&-' '2>&-' '<&- >&- 2>&-' '<&-'; do
  try_sh "a granted file with $closed" "rm -f kept; \"\$DEED\" keep.deed --f=file:kept $closed; cat kept >&2"; err "kept"; no_crash
done
printf 'fn main(out: Out, f: File) { let r = await f ! write("x".repeat(5000).to_bytes()); out ! line("{r}") }\n' > limit.deed
try_sh "a file that must not grow" 'ulimit -f 1; "$DEED" limit.deed --f=file:grown'; status 0; out_is "Err(NoSpace)"
{ echo 'fn f(n: Int) -> Int { match n {'; seq -s ' | ' 0 20000; echo '-> 1 _ -> 2 } }'; echo 'fn main() -> Int { f(3) }'; } > alternatives.deed
try "too many alternatives" deed run alternatives.deed; status 1; err "E0513"
try_sh "checking with stderr closed" '"$DEED" check noise.deed 2>&-'; status 1
finish
