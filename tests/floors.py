#!/usr/bin/env python3
"""Checks the include graph against docs/floors.txt, and the size of files. Ends with: N passed, N failed.

A header may include only headers of lower floors; a source file only what its folder may see; a system header that is
tied to some files is included only by them. `tests/floors.py --print` shows the floors that the tree has now.
"""
import glob
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
os.chdir(ROOT)

LINE_LIMIT = 1000
INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]', re.M)


def sources():
    found = []
    for pattern in ("*.c", "*.h", "*.inc", "*.def"):
        for folder in ("bytecode", "vm", "repl", "tests"):
            found += glob.glob(f"{folder}/**/{pattern}", recursive=True)
    return sorted(found)


def read_rules(path):
    floors, folders, tied = {}, {}, {}
    for number, line in enumerate(open(path), 1):
        words = line.split("#")[0].split()
        if not words:
            continue
        if words[0] == "floor":
            for header in words[2:]:
                floors[header] = int(words[1])
        elif words[0] == "folder":
            folders[words[1]] = words[2:]
        elif words[0] == "only":
            tied[words[1]] = words[2:]
        else:
            sys.exit(f"{path}:{number}: neither floor, folder nor only: {line.strip()}")
    return floors, folders, tied


def includes(path):
    text = open(path, encoding="utf-8").read()
    own = [name for mark, name in INCLUDE.findall(text) if mark == '"']
    system = [name for mark, name in INCLUDE.findall(text) if mark == "<"]
    return own, system, text.count("\n")


def folder_of(path, folders):
    return max((f for f in folders if path.startswith(f + "/")), key=len, default=None)


def check_file(path, floors, folders, tied):
    own, system, lines = includes(path)
    problems = []
    here = folder_of(path, folders)
    is_header = not path.endswith(".c")
    if is_header and path not in floors and not path.startswith("tests/"):
        problems.append(f"{path}: is on no floor; add it to docs/floors.txt")
    for name in own:
        there = folder_of(name, folders)
        if not os.path.exists(name):
            problems.append(f"{path}: includes {name}, which is not there (paths start at the root)")
        elif there not in folders.get(here, []):
            problems.append(f"{path}: {here} may not see {there} ({name})")
        elif is_header and floors.get(name, 0) >= floors.get(path, 1 << 30):
            problems.append(f"{path}: on floor {floors[path]}, may not include {name} of floor {floors[name]}")
    for name in system:
        if name in tied and not any(path == t or path.startswith(t + "/") for t in tied[name]):
            problems.append(f"{path}: <{name}> belongs to {' '.join(tied[name])}")
    if lines > LINE_LIMIT:
        problems.append(f"{path}: {lines} lines are more than one idea ({LINE_LIMIT} at most)")
    return problems


def print_floors():
    graph = {p: [n for n in includes(p)[0] if os.path.exists(n)] for p in sources() if not p.endswith(".c") and not p.startswith("tests/")}
    floors = {}

    def floor(p, path=()):
        if p in path:
            sys.exit("a cycle: " + " -> ".join([*path, p]))
        if p not in floors:
            floors[p] = 1 + max((floor(n, (*path, p)) for n in graph.get(p, [])), default=-1)
        return floors[p]

    for p in graph:
        floor(p)
    for f in sorted(set(floors.values())):
        print(f"floor {f}  " + " ".join(sorted(p for p in floors if floors[p] == f)))


def main():
    if sys.argv[1:] == ["--print"]:
        print_floors()
        return 0
    floors, folders, tied = read_rules("docs/floors.txt")
    passed = failed = 0
    for path in sources():
        problems = check_file(path, floors, folders, tied)
        failed += bool(problems)
        passed += not problems
        for problem in problems:
            print(problem)
    for header in floors:
        if not os.path.exists(header):
            failed += 1
            print(f"docs/floors.txt: {header} is not there")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
