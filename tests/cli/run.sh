# Running programs: exit codes, arguments, grants, standard input, pipes.
. "$(dirname "$0")/lib.sh"

cat > hello.deed <<'X'
#!/usr/bin/env deed
fn main(out: Out) { out ! line("hello") }
X
cat > args.deed <<'X'
fn main(out: Out, args: List[String]) { out ! line("{args}") }
X
cat > code.deed <<'X'
fn main(args: List[String]) -> Int { args.len() }
X
cat > crash.deed <<'X'
fn main() { crash "on purpose" }
X
cat > err.deed <<'X'
fn main() -> Result[(), String] { Err("no luck") }
X
cat > stuck.deed <<'X'
actor Mute() { on ask() -> Int when false { 1 } }
fn main(out: Out) {
  let m = spawn Mute()
  out ! line("{await m ! ask()}")
}
X
cat > book.deed <<'X'
fn main(book: ReadFile, out: Out, args: List[String]) -> Result[(), IoErr] {
  let text = try await book ! text()
  out ! line("{text.trim()} {args}")
  Ok(())
}
X
cat > two.deed <<'X'
fn main(a: ReadFile, b: ReadFile, out: Out) -> Result[(), IoErr] {
  let x = try await a ! text()
  let y = try await b ! text()
  out ! line(x.trim() + y.trim())
  Ok(())
}
X
cat > many.deed <<'X'
fn main(out: Out) { for i in 0..200_000 { out ! line("line {i}") } }
X
cat > echo.deed <<'X'
fn main(stdin: In, out: Out) { out ! write(await stdin ! all()) }
X
echo once > a.txt; echo upon > b.txt

try "hello" deed run hello.deed; status 0; out_is "hello"; quiet
try "without run" deed hello.deed; status 0; out_is "hello"
chmod +x hello.deed
try_sh "as a script" 'ln -s "$DEED" deed; PATH=$PWD:$PATH ./hello.deed'; status 0; out_is "hello"
try "from elsewhere" deed ./folder/../hello.deed; status 1
try_sh "from stdin" '"$DEED" run - < hello.deed'; status 0; out_is "hello"
try_sh "bare with a program on stdin" '"$DEED" < hello.deed'; status 0; out_is "hello"
try "seeded" deed --seed 7 hello.deed; status 0; out_is "hello"
try "seeded, with =" deed run --seed=7 hello.deed; status 0; out_is "hello"

try "arguments" deed args.deed a 'b c' ''; out_is '["a", "b c", ""]'
try "options after the file" deed args.deed --seed 3 -x --color=always; out_is '["--seed", "3", "-x", "--color=always"]'
try "two dashes" deed args.deed a -- b -- c; out_is '["a", "b", "--", "c"]'
try "no arguments" deed args.deed; out_is '[]'
try_sh "arguments of a program on stdin" '"$DEED" - a b < args.deed'; out_is '["a", "b"]'

try "main's Int" deed code.deed; status 0
try "main's Int 3" deed code.deed 1 2 3; status 3
try "main crashes" deed crash.deed; status 1; err "on purpose"
try "main's Err" deed err.deed; status 1; err "error:"; err "no luck"
try "main waits for ever" deed stuck.deed; status 1; no_crash

try "a grant" deed book.deed --book=file:a.txt; status 0; out_is 'once []'
try "a grant and arguments" deed book.deed x --book=file:a.txt y; status 0; out_is 'once ["x", "y"]'
try "a grant before the file" deed --book=file:a.txt book.deed x; status 0; out_is 'once ["x"]'
try "a grant before the file, of run" deed run --book=file:a.txt book.deed; status 0; out_is 'once []'
try "no grant after dashes" deed book.deed -- --book=file:a.txt; status 77
try "what is no parameter is an argument" deed book.deed --book=file:a.txt --look=file:b.txt; out_is 'once ["--look=file:b.txt"]'
try "a missing grant" deed book.deed; status 77; err "main's parameter \`book\` needs a ReadFile: add --book=file:PATH"
try "two missing" deed two.deed; status 77; err "--a=file:PATH"; err "--b=file:PATH"
try "one of two missing" deed two.deed --a=file:a.txt; status 77; err "--b=file:PATH"
try "two grants" deed two.deed --b=file:b.txt --a=file:a.txt; status 0; out_is "onceupon"
try "the wrong kind" deed book.deed --book=dir:.; status 2; err "--book=file:PATH"
try "no kind" deed book.deed --book=a.txt; status 2; err "--book=file:PATH"
try "an empty grant" deed book.deed --book=file:; status 2
try "granted twice" deed book.deed --book=file:a.txt --book=file:b.txt; status 2; err "twice"
try "a grant for no parameter" deed --bok=file:a.txt book.deed; status 2; err "did you mean --book?"
try "a grant of a missing file" deed book.deed --book=file:missing.txt; status 1; err "NotFound"

try_sh "a closed pipe" '{ "$DEED" many.deed; echo $? > code; } | head -n 1'; out_is "line 0"; quiet
try "its status" cat code; out_is 141

# Who waits for whom, and who is ready, when the reader goes: all of it must come apart.
cat > crowd.deed <<'X'
interface Asker { ask(m: Mute) }
interface Mute { answer() -> Int }
interface Loop { again() }
actor Busy() is Loop { on again() { self ! again() } }
actor Spin() is Mute { on answer() { spin() } }
actor Waiter() is Asker { on ask(m) { let _ = await m ! answer() } }
fn spin() -> Int { while true { }
  1 }
fn main(out: Out) {
  for _ in 0..20 {
    let w = spawn Waiter()
    w ! ask(spawn Spin())
  }
  for _ in 0..5 {
    let b = spawn Busy()
    b ! again()
  }
  while true { out ! line("hello") }
}
X
try_sh "a closed pipe with a crowd" '{ "$DEED" crowd.deed; echo $? > code; } | head -n 1'; out_is "hello"; quiet
try "its status" cat code; out_is 141
try_sh "a closed pipe of our own" '{ "$DEED" help; echo $? > code; } | true'; no_crash
try_sh "echo" 'printf "a\nb" | "$DEED" echo.deed'; out_is "$(printf 'a\nb')"
try "no input" deed echo.deed; status 0; out_is ""
try "code" deed -e 'out ! line("{1 + 2}")'; status 0; out_is 3
try "code with arguments" deed run -e 'out ! line("{args}")' a b; status 0; out_is '["a", "b"]'
try "bad code" deed -e 'let = 3'; status 1; err "E0"

# A loop without end, and without a body, is preempted like any other; only a signal ends it.
cat > spin.deed <<'X'
actor Spinner() { on spin() { while true { } } }
fn main(out: Out) {
  (spawn Spinner()) ! spin()
  for i in 0..3 { out ! line("{i}") }
}
X
for s in INT TERM; do
  try_sh "signal $s" '"$DEED" run --grace 50ms spin.deed > spun & p=$!; for i in 1 2 3 4 5 6 7 8 9; do sleep 0.3; [ -s spun ] && break; done; kill -'$s' $p; wait $p'
  case $s in INT) status 130 ;; TERM) status 143 ;; esac
  try "its output" cat spun; out_is "$(printf '0\n1\n2')"
done

try "caps" deed caps book.deed; status 0; out "book"; out "ReadFile"; out "--book=file:PATH"; out "free"
try "caps of no powers" deed caps crash.deed; status 0; out "nothing"
finish
