"""Who is measured: which languages are installed, how their programs are built, and how they are run.

Built programs are kept beside the `deed` that is measured, in `bench/`, and built again when a source is newer. Nothing is installed.
"""
import concurrent.futures
import functools
import glob
import os
import shutil
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
PROGRAMS = os.path.join(HERE, "programs")
ACTORS = os.path.join(PROGRAMS, "actors")
DEED = os.path.abspath(os.environ.get("DEED", os.path.join(ROOT, "build/deed")))
BUILT = os.path.join(os.path.dirname(DEED), "bench")


def newer(sources, target):
    """Whether `target` must be made again."""
    return not os.path.exists(target) or any(os.path.getmtime(s) > os.path.getmtime(target) for s in sources)


def built(name):
    return os.path.join(BUILT, name)


def stem(path):
    return os.path.splitext(os.path.basename(path))[0]


def build(commands):
    """Runs commands two at a time; the first that fails ends all."""
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for done in pool.map(lambda c: subprocess.run(c[0], env=dict(os.environ, **c[1])), commands):
            done.check_returncode()


# ---- Erlang ----------------------------------------------------------------------------------------------------------

def build_erlang():
    sources = glob.glob(os.path.join(PROGRAMS, "**/*.erl"), recursive=True)
    os.makedirs(built("erlang"), exist_ok=True)
    late = [s for s in sources if newer([s], built(f"erlang/{stem(s)}.beam"))]
    if late:
        build([(["erlc", "-o", built("erlang"), *late], {})])


def erlang(program, args, workers=None):
    pinned = ["+S", f"{workers}:{workers}", "+P", "2000000"] if workers else []  # +P: room for so many processes
    return ["erl", "-noshell", *pinned, "-pa", built("erlang"), "-run", program, "main", *args], {}


# ---- Go --------------------------------------------------------------------------------------------------------------

def build_go():
    shared = os.path.join(ACTORS, "bench.go")
    sources = [s for s in glob.glob(os.path.join(ACTORS, "*.go")) if s != shared]
    os.makedirs(built("go"), exist_ok=True)
    build([(["go", "build", "-o", built(f"go/{stem(s)}"), s, shared], {"GO111MODULE": "off"})
           for s in sources if newer([s, shared], built(f"go/{stem(s)}"))])


def go(program, args, workers=None):
    return [built(f"go/{program}"), *args], {"GOMAXPROCS": str(workers)} if workers else {}


# ---- CAF -------------------------------------------------------------------------------------------------------------

def build_caf():
    """The header, which takes most of the time, is compiled once for all."""
    shared = os.path.join(ACTORS, "bench.hpp")
    sources = glob.glob(os.path.join(ACTORS, "*.cpp"))
    late = [s for s in sources if newer([s, shared], built(f"caf/{stem(s)}"))]
    if not late:
        return
    os.makedirs(built("caf"), exist_ok=True)
    flags = ["g++", "-O2", "-std=c++17", "-DNDEBUG"]
    header = built("caf/bench.hpp.gch")
    if newer([shared], header):
        build([([*flags, "-x", "c++-header", shared, "-o", header], {})])
    build([([*flags, "-include", built("caf/bench.hpp"), s, "-o", built(f"caf/{stem(s)}"), "-lcaf_core", "-lpthread"], {}) for s in late])


def caf(program, args, workers=None):
    return [built(f"caf/{program}"), *args], {"CAF_THREADS": str(workers)} if workers else {}


def has_caf():
    return bool(shutil.which("g++")) and os.path.exists("/usr/include/caf/atom.hpp")  # atoms of 0.17; later ones are types


# ---- C and Lua -------------------------------------------------------------------------------------------------------

def build_c():
    os.makedirs(built("c"), exist_ok=True)
    build([(["gcc", "-O2", "-I", ROOT, "-o", built(f"c/{stem(s)}"), s, "-lm"], {})
           for s in glob.glob(os.path.join(PROGRAMS, "*.c")) if newer([s], built(f"c/{stem(s)}"))])


# ---- Deed ------------------------------------------------------------------------------------------------------------

@functools.lru_cache
def takes_workers():
    """Whether this deed can be told how many workers to run."""
    help_text = subprocess.run([DEED, "run", "--help"], capture_output=True, text=True).stdout
    return "--workers" in help_text


def deed(program, args, workers=None):
    pinned = ["--workers", str(workers)] if workers and takes_workers() else []
    return [DEED, "run", *pinned, f"{program}.deed", *args], {}


# language: (whether it is there, the Debian package, how to build its programs, how to run one)
ACTOR_PEERS = {
    "Erlang": (lambda: shutil.which("erlc") and shutil.which("erl"), "erlang-base", build_erlang, erlang),
    "Go": (lambda: shutil.which("go"), "golang-go", build_go, go),
    "CAF": (has_caf, "libcaf-dev 0.17 and g++", build_caf, caf),
}


def actor_peers():
    """{language: function from program, arguments and workers to command and environment}, and what is missing."""
    found, missing = {"Deed": deed}, []
    for language, (there, package, make, command) in ACTOR_PEERS.items():
        if there():
            make()
            found[language] = command
        else:
            missing.append(f"{language} ({package})")
    return found, missing
