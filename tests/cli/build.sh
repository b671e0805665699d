# Checking, building, disassembling, verifying; programs of several modules; tests.
. "$(dirname "$0")/lib.sh"

mkdir -p app/inner
cat > app/main.deed <<'X'
import ./util
import ./inner/deep { twice }
fn main(out: Out) { out ! line("{util.greet("world")} {twice(21)}") }
X
cat > app/util.deed <<'X'
pub fn greet(name: String) -> String { "hello {name}" }
test "greets" { assert greet("x") == "hello x" }
test "fails" { assert greet("x") == "bye x" }
X
cat > app/inner/deep.deed <<'X'
pub fn twice(n: Int) -> Int { n * 2 }
X
cat > one.deed <<'X'
fn main(out: Out) { out ! line("one") }
X
cat > bad.deed <<'X'
fn main() {
  let n: Int = "x"
}
X
cat > warn.deed <<'X'
fn f() -> Result[Int, String] { Ok(1) }
fn main() {
  f()
  ()
}
X

try "check" deed check one.deed app/main.deed; status 0; quiet
try "check of an error" deed check bad.deed; status 1; err "bad.deed:2:"; err "error"
try "one of two" deed check one.deed bad.deed; status 1; err "bad.deed"
try "json" deed check --json bad.deed; status 1; out '"level":"error"'; out '"line_start":2'; quiet
try "json is JSON" python3 -c 'import json,subprocess,os
out = subprocess.run([os.environ["DEED"], "check", "--json", "bad.deed"], capture_output=True, text=True).stdout
m = json.loads(out.splitlines()[0]); assert m["spans"][0]["is_primary"] and m["rendered"]'; status 0
try "a warning does not fail" deed check warn.deed; status 0; err "warning"
try "timings" deed check --timings app/main.deed; status 0; out "lines/s"
try "no colour in a file" deed check bad.deed; if grep -q "$(printf '\033')" .err; then failed "coloured"; else passed; fi
try "colour when asked" deed check --color=always bad.deed; if grep -q "$(printf '\033')" .err; then passed; else failed "plain"; fi
try "run of an error" deed bad.deed; status 1; err "bad.deed:2:"
try "a missing import" deed -e 'import ./nowhere'; status 1; err "nowhere"

try "build" deed build one.deed; status 0; quiet
try "run what was built" deed one.deedm; status 0; out_is "one"
try "verify" deed verify one.deedm; status 0; out "one.deedm: verified ("; out " functions, "; out " instructions)"
try "verify source" deed verify one.deed; status 0; out "one.deed: verified ("
try "caps of a module" deed caps one.deedm; status 0; out "free"
try "dis of a module" deed dis one.deedm; status 0; cp .out one.dis
try "dis of its source" deed dis one.deed; status 0
try "asm of dis" sh -c 'cp one.dis one2.dasm && "$DEED" asm one2.dasm && cmp one.deedm one2.deedm'; status 0
try "dis of a function" deed dis --function main one.deedm; status 0; out "main"
try "dis of no function" deed dis --function mian one.deedm; status 1; err "did you mean \`main\`?"
try "run of assembly" deed run one2.dasm; status 0; out_is "one"

try "build a bundle" deed build app/main.deed -o app.deedm; status 0
try "run a bundle" deed app.deedm; status 0; out_is "hello world 42"
try "verify a bundle" deed verify app.deedm; status 0; out "verified"
try "building twice gives the same bytes" sh -c '"$DEED" build app/main.deed -o again.deedm && cmp app.deedm again.deedm'; status 0
mkdir out
try "build into a folder" deed build app/main.deed -o out; status 0
try "its files" sh -c 'cd out && find . -type f | sort | tr "\n" " "'; out "./inner/deep.deedm ./main.deedm ./util.deedm"
try "run from the folder" deed out/main.deedm; status 0; out_is "hello world 42"
rm out/util.deedm
try "a missing module" deed out/main.deedm; status 1; err "util"
cp out/inner/deep.deedm out/util.deedm
try "a wrong module" deed out/main.deedm; status 1; err "util"
printf 'import ../list\nfn main() {}\n' > up.deed
try "a module of the library as a file" deed check up.deed; status 1; err '`import list` is the library'
try "build of an error" deed build bad.deed; status 1; [ ! -e bad.deedm ] && passed || failed "bad.deedm was written"
try "build to standard output" sh -c '"$DEED" build -o - one.deed | cmp - one.deedm'; status 0

python3 - <<'X'
import os, subprocess
data = open("app.deedm", "rb").read()
bad = 0
for i in range(0, len(data), max(1, len(data) // 150)):
    for mutant in (data[:i], data[:i] + bytes([data[i] ^ 0x41]) + data[i + 1:]):
        open("mutant.deedm", "wb").write(mutant)
        code = subprocess.run([os.environ["DEED"], "verify", "mutant.deedm"], capture_output=True).returncode
        bad += code not in (0, 1)
open("mutants", "w").write(str(bad))
X
try "mutants neither crash nor hang" cat mutants; out_is 0

try "test" deed test app/util.deed; status 1; out "1 passed, 1 failed"; out "fails"
try "test of a folder" deed test app; status 1; out "1 passed, 1 failed"
try "filter" deed test --filter greets app/util.deed; status 0; out "1 passed, 0 failed"
try "tap" deed test --reporter=tap app/util.deed; status 1; out "ok 1"; out "not ok 2"; out "1..2"
try "junit" deed test --reporter=junit app/util.deed; status 1; out '<testsuite name="deed" tests="2" failures="1">'
try "junit is XML" python3 -c 'import subprocess, os, xml.dom.minidom as m
m.parseString(subprocess.run([os.environ["DEED"], "test", "--reporter=junit", "app/util.deed"], capture_output=True).stdout)'; status 0
try "test of a broken file" deed test bad.deed; status 1; out "0 passed, 1 failed"
try "test of a missing file" deed test missing.deed; status 1; err "missing.deed"
try "test of no library module" deed test --library nosuch; status 2
finish
