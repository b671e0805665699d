#!/usr/bin/env python3
"""Writes a well-typed Deed program of about N lines into a folder: main.deed and the modules that it imports.

  tests/bench/generate.py N FOLDER [SEED]

The functions vary: arithmetic, matches on data types, lists and closures, strings, maps, loops, generics, actors. They call
ones before them, so that the checker has a graph to order. The same N and SEED give the same program.
"""
import os
import random
import sys

MODULE_LINES = 4000


def arithmetic(i, r, ints):
    callee = f"{r.choice(ints)}(b - 1, a)" if ints else "a"
    return f"""fn calc_{i}(a: Int, b: Int) -> Int {{
  if b <= 0 {{ return a }}
  let x = a * {r.randint(2, 9)} + b
  let y = (x ^ {r.randint(1, 999)}) & 0xffff
  if x % 3 == 0 {{ y - {callee} }} else {{ y + {r.randint(1, 99)} }}
}}
""", f"calc_{i}"


def data(i, r, ints):
    return f"""type Shape_{i} {{ Dot_{i}  Box_{i}(w: Int, h: Int)  Named_{i}(name: String, at: (Int, Int)) }}
fn weigh_{i}(s: Shape_{i}) -> Int {{
  match s {{
    Dot_{i} -> 0
    Box_{i}(w, h) if w == h -> w * w
    Box_{i}(w, h) -> w * h
    Named_{i}(name: n, at: (x, _)) -> n.len() + x
  }}
}}
fn shapes_{i}(a: Int, b: Int) -> Int {{
  [Dot_{i}, Box_{i}(a, b), Named_{i}(name: "s{i}", at: (b, a))].map(weigh_{i}).sum()
}}
""".replace("Shape_", "Shape").replace("Dot_", "Dot").replace("Box_", "Box").replace("Named_", "Named"), f"shapes_{i}"


def lists(i, r, ints):
    return f"""fn evens_{i}(xs: List[Int]) {{
  xs.filter(fn(x) {{ x % 2 == 0 }}).map(fn(x) {{ x * {r.randint(2, 9)} }}).fold(0, fn(acc, x) {{ acc + x }})
}}
fn pair_{i}(a: Int, b: Int) -> Int {{
  let xs = [a, b, {r.randint(1, 99)}]
  match xs {{
    [] -> 0
    [x] -> x
    [x, ..rest] -> x + evens_{i}(rest)
  }}
}}
""", f"pair_{i}"


def strings(i, r, ints):
    return f"""fn label_{i}(n: Int) -> String {{
  let kind = if n > {r.randint(1, 50)} {{ "big" }} else {{ "small" }}
  "{{kind}} {{n}} of {i}"
}}
fn length_{i}(a: Int, b: Int) -> Int {{
  let parts = label_{i}(a).split(" ")
  parts.len() + label_{i}(b).len()
}}
""", f"length_{i}"


def loops(i, r, ints):
    return f"""fn loop_{i}(a: Int, b: Int) -> Int {{
  var total = a
  for k in 0..{r.randint(3, 20)} {{
    if k % 4 == 3 {{ continue }}
    total += k * b
  }}
  while total > {r.randint(1000, 9999)} {{ total = total / 2 }}
  total
}}
""", f"loop_{i}"


def generics(i, r, ints):
    return f"""type Pair{i}[A, B](first: A, second: B)
fn swap_{i}[A, B](p: Pair{i}[A, B]) -> Pair{i}[B, A] {{ Pair{i}(p.second, p.first) }}
fn larger_{i}[T: ordered](a: T, b: T) -> T {{ if a < b {{ b }} else {{ a }} }}
fn generic_{i}(a: Int, b: Int) -> Int {{
  let p = swap_{i}(Pair{i}(a, "x"))
  larger_{i}(p.second, b)
}}
""", f"generic_{i}"


def options(i, r, ints):
    return f"""fn half_{i}(n: Int) -> Result[Int, String] {{ if n % 2 == 0 {{ Ok(n / 2) }} else {{ Err("odd {{n}}") }} }}
fn quarter_{i}(n: Int) -> Result[Int, String] {{
  let h = try half_{i}(n)
  half_{i}(h)
}}
fn options_{i}(a: Int, b: Int) -> Int {{
  match quarter_{i}(a) {{
    Ok(n) -> n
    Err(_) -> b
  }}
}}
""", f"options_{i}"


def actors(i, r, ints):
    return f"""interface Counter{i} {{ add(n: Int)  get() -> Int }}
actor Tally{i}(start: Int) is Counter{i} {{
  var n = start
  on add(k) {{ n = n + k }}
  on get() when n >= 0 {{ n }}
}}
fn actor_{i}(a: Int, b: Int) -> Int {{
  let t = spawn Tally{i}(a)
  t ! add(b)
  await t ! get()
}}
""", f"actor_{i}"


MAKERS = [arithmetic, arithmetic, data, lists, strings, loops, generics, options, actors]


def module(number, lines, r):
    texts, names, count, i = [f"//! Module {number} of a generated program.\n\n"], [], 2, 0
    while count < lines:
        text, name = r.choice(MAKERS)(i, r, [n for n in names[-20:] if n.startswith("calc_")])
        texts.append(text + "\n")
        names.append(name)
        count += text.count("\n") + 1
        i += 1
    texts.append("pub fn run(a: Int, b: Int) -> Int {\n  var total = 0\n")
    texts += [f"  total = total ^ {name}(a, b)\n" for name in names]
    texts.append("  total\n}\n")
    return "".join(texts)


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    lines, folder = int(sys.argv[1]), sys.argv[2]
    r = random.Random(int(sys.argv[3]) if len(sys.argv) > 3 else 1)
    os.makedirs(folder, exist_ok=True)
    count = max(1, lines // MODULE_LINES)
    for k in range(count):
        with open(os.path.join(folder, f"part{k}.deed"), "w") as f:
            f.write(module(k, lines // count, r))
    with open(os.path.join(folder, "main.deed"), "w") as f:
        f.write("".join(f"import ./part{k}\n" for k in range(count)))
        f.write("\nfn main(out: Out) {\n")
        f.write("".join(f'  out ! line("{{part{k}.run({k}, 7)}}")\n' for k in range(count)))
        f.write("}\n")


if __name__ == "__main__":
    main()
