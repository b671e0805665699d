// The VM under failures: an actor is killed at any reduction, an allocation fails at any moment. Whatever happens, the VM itself lives
// on, no message is lost track of, and every byte comes back.
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "repl/image.h"
#include "vm/memory.h"
#include "vm/vm.h"

static const char program[] =
    "interface Store { put(k: String, v: List[Int]) -> Int  get(k: String) -> Option[List[Int]]  wait() -> Int }\n"
    "actor Box(clock: Clock) is Store {\n"
    "  var all: Map[String, List[Int]] = [:]\n"
    "  on put(k, v) { all = all.insert(k, v); all.len() }\n"
    "  on get(k) { all.get(k) }\n"
    "  on wait() when all.len() > 3 { when clock ! after(3ms) { Ok(_) -> all.len()  Err(_) -> 0 } }\n"
    "}\n"
    "actor Via(next: Store) is Store {\n"
    "  on put(k, v) { next ! put(k, [1, ..v]) }\n"
    "  on get(k) { next ! get(k) }\n"
    "  on wait() { next ! wait() }\n"
    "}\n"
    "actor Helper(store: Store, out: Out) {\n"
    "  var left = 3\n"
    "  on step(name: String) {\n"
    "    match (store ! put(\"{name} {left}\", [left, left * 1000000007])).outcome(within: 1s) {\n"
    "      Ok(n) -> out ! line(\"{name} stored {n}\")\n"
    "      Err(b) -> out ! line(\"{name} failed: {b}\")\n"
    "    }\n"
    "    left -= 1\n"
    "    if left > 0 { self ! step(name) }\n"
    "  }\n"
    "}\n"
    "fn main(out: Out, err: Out, clock: Clock, random: Random, args: List[String]) {\n"
    "  let store = spawn Via(spawn Via(spawn Box(clock) as Store))\n"
    "  let waits = store ! wait()\n"
    "  for name in args { (spawn Helper(store, out)) ! step(name) }\n"
    "  let watch = ended(store)\n"
    "  let sums = all((0..5).map(fn(i) { task { let xs = (0..i * 40).to_list(); xs.sum() } })).outcome()\n"
    "  let first = race([clock ! after(1ms), clock ! after(9h)]).outcome()\n"
    "  let n = (random ! int(0, 10)).outcome()\n"
    "  err ! line(\"{sums} {first} {n.is_ok()} {waits.outcome()}\")\n"
    "  match (store ! get(\"a 1\")).outcome() { Ok(Some(v)) -> out ! line(\"{v}\")  other -> out ! line(\"{other}\") }\n"
    "  match watch.outcome(within: 1ms) { Ok(e) -> out ! line(\"{e}\")  Err(b) -> out ! line(\"{b}\") }\n"
    "}\n";

// What is owned is on its way from actor to actor: buffers, arrays of numbers and of objects, sessions, promises of them.
static const char owners[] =
    "import option\n"
    "unique interface Talk { more(s: String) -> Result[Talk, String]  end() -> Array[String] }\n"
    "interface Log { note(s: String)  count(n: Int) -> Int }\n"
    "actor Writer() is Log {\n"
    "  let notes = array.new(0, \"\")\n"
    "  on note(s) { notes.push(s) }\n"
    "  on count(n) when notes.len() >= n { notes.len() }\n"
    "}\n"
    "actor Peer(log: Log) is Talk {\n"
    "  let lines = array.new(0, \"\")\n"
    "  on more(s) { lines.push(\"{s} {lines.len()}\"); if lines.len() > 3 { Err(s) } else { Ok(self as Talk) } }\n"
    "  on end() { let all = array.new(0, \"\"); for l in lines { all.push(l) }; all }\n"
    "  on dropped() { log ! note(\"dropped\") }\n"
    "}\n"
    "interface Work { fill(b: Buf, n: Int) -> (Buf, Bytes)  sum(a: Array[Int]) -> Array[Int]  keep(s: Talk)  talk(s: Talk) -> Option[Talk] }\n"
    "actor Worker() is Work {\n"
    "  var held: Option[Talk] = None\n"
    "  on fill(b, n) { for i in 0..n { b.push(i % 256) }; let c = buf.new(n); c.append(b.slice(0, n)); (b, c.freeze()) }\n"
    "  on sum(a) { for i in 1..a.len() { a[i] += a[i - 1] }; a }\n"
    "  on keep(s) { held = Some(s) }\n"
    "  on talk(s) {\n"
    "    match await s ! more(\"one\") { Ok(s) -> { let before = option.take(&held); held = Some(s); before }  Err(_) -> None }\n"
    "  }\n"
    "}\n"
    "fn work(log: Log, out: Out, name: String) {\n"
    "  let w = spawn Worker()\n"
    "  w ! keep(spawn Peer(log))\n"
    "  let (b, frozen) = await w ! fill(buf.new(0), 400)\n"
    "  let later = w ! sum(array.new(10, 1))\n"
    "  let size = b.len()\n"
    "  let t = task { let c = b; c.push(1); (c.len(), c) }\n"
    "  let done = when later { Ok(a) -> Some(a)  Err(_) -> None }\n"
    "  match await w ! talk(spawn Peer(log)) {\n"
    "    Some(s) -> match await s ! more(\"{name}\") { Ok(s) -> { let all = await s ! end(); out ! line(\"{all.to_list()}\") }  Err(_) -> () }\n"
    "    None -> ()\n"
    "  }\n"
    "  let (n, _) = await t\n"
    "  let _ = done\n"
    "  out ! line(\"{size} {n} {frozen.len()} {frozen[399]}\")\n"
    "}\n"
    "fn main(out: Out, args: List[String]) {\n"
    "  let log = spawn Writer()\n"
    "  let all = args.map(fn(name) { task { work(log, out, name) } })\n"
    "  for t in all { out ! line(\"{t.outcome()}\") }\n"
    "  let _ = (log ! count(2)).outcome(within: 1ms)\n"
    "}\n";

// Actors that await each other in cycles: a long one, two through a race, one that a forward closes.
static const char cycles[] =
    "interface Node { go(next: Node, n: Int) -> Int  both(p: Node, q: Node) -> Int  back(to: Node) -> Int  hand(to: Node) -> Int  loop(via: Node) -> Int  own() -> Int  one() -> Int }\n"
    "actor N(next: Option[Node]) is Node {\n"
    "  on go(first, n) {\n"
    "    match next { Some(to) -> await to ! go(first, n + 1)  None -> await first ! one() }\n"
    "  }\n"
    "  on both(p, q) { await race([p ! back(self), q ! back(self)]) }\n"
    "  on back(to) { await to ! one() }\n"
    "  on hand(to) { to ! one() }\n"
    "  on loop(via) { await via ! hand(self) }\n"
    "  on own() { await (when self ! one() { Ok(i) -> i  Err(_) -> 0 }) }\n"
    "  on one() { 1 }\n"
    "}\n"
    "fn main(out: Out) {\n"
    "  var first: Node = spawn N(None)\n"
    "  for _ in 0..70 { first = spawn N(Some(first)) as Node }\n"
    "  let pair: Node = spawn N(None)\n"
    "  let told = [first ! go(first, 0), pair ! both(spawn N(None), spawn N(None)), pair ! loop(first), first ! own()]\n"
    "  for t in told { out ! line(\"{t.outcome()}\") }\n"
    "}\n";

// Children that crash, supervisors that give up, references that are led elsewhere while others use them.
static const char supervised[] =
    "interface Service { ask(n: Int) -> String  note(s: String) }\n"
    "actor Worker(helper: Service) is Service {\n"
    "  var said: List[String] = []\n"
    "  on ask(n) { if n % 3 == 0 { crash \"three\" }; said = [\"{n}\", ..said]; await helper ! ask(n) }\n"
    "  on note(s) { said = [s, ..said] }\n"
    "}\n"
    "actor Helper() is Service {\n"
    "  on ask(n) { \"{n} is {n % 3}\" }\n"
    "  on note(s) { let _ = s; stop }\n"
    "}\n"
    "fn service() -> (Service, Child) {\n"
    "  child(fn() { let h: Service = spawn Helper(); let w: Service = spawn Worker(h); w })\n"
    "}\n"
    "fn main(out: Out) {\n"
    "  let (a, kid_a) = service()\n"
    "  let (b, kid_b) = service()\n"
    "  let (inner, kid) = child(fn() { supervise(strategy: OneForAll, max: 1, per: 1s, children: [kid_a, kid_b]) })\n"
    "  let fate = ended(a)\n"
    "  a ! note(\"before anyone is there to read it\")\n"
    "  let boss = supervise(strategy: RestForOne, max: 2, per: 1s, children: [kid])\n"
    "  for n in 1..5 { out ! line(\"{(a ! ask(n)).outcome(within: 1s)} {(b ! ask(n + 1)).outcome(within: 1s)}\") }\n"
    "  out ! line(\"{fate.outcome(within: 1ms)} {(inner ! restarts()).outcome(within: 1ms)}\")\n"
    "  let (r, aim) = forwarder(spawn Helper() as Service)\n"
    "  let (r2, aim2) = forwarder(r)\n"
    "  r2 ! note(\"it ends\")\n"
    "  let _ = ended(r2).outcome(within: 1ms)\n"
    "  let later = [r2 ! ask(7), r ! ask(8)]\n"
    "  aim ! retarget(a)\n"
    "  aim2 ! retarget(spawn Helper() as Service)\n"
    "  for t in later { out ! line(\"{t.outcome(within: 1ms)} {(r2 ! ask(1)).outcome(within: 1ms)}\") }\n"
    "  aim ! retarget(spawn Helper() as Service)\n"
    "  out ! line(\"{(boss ! stop_all()).outcome(within: 1s)}\")\n"
    "  b ! note(\"nobody will\")\n"
    "}\n";

// Natives that are interrupted: each has more to do than a slice allows.
static const char natives[] =
    "import array\n"
    "import buf\n"
    "type Tree { Leaf  Both(a: Tree, b: Tree) }\n"
    "fn shared(n: Int, t: Tree) -> Tree { if n == 0 { t } else { shared(n - 1, Both(t, t)) } }\n"
    "fn deep(n: Int, t: Tree) -> Tree { if n == 0 { t } else { deep(n - 1, Both(t, Leaf)) } }\n"
    "actor Maker() {\n"
    "  on text() -> Int { show((shared(12, Leaf), deep(400, Leaf), \"x\".repeat(70_000))).byte_len() }\n"
    "  on list() -> Int { let ps = (0..2_000).map(fn(i) { show(i) }); [ps.join(\", \"), ps.reverse().join(\"-\".repeat(40))].join(\"\").len() }\n"
    "  on array() -> Int { let a = array.new(20_000, \"y\"); a.fill(show(7)); a.slice(5, 19_000).to_list().to_array().len() }\n"
    "  on buf() -> Int { let b = buf.zeros(150_000); b.append_string(\"xy\".repeat(80_000)); b.freeze().to_hex().to_bytes().len() }\n"
    "}\n"
    "fn main(out: Out, args: List[String]) {\n"
    "  let m = args.map(fn(_) { spawn Maker() })\n"
    "  let (a, b) = (m.first().or_else(spawn Maker()), m.last().or_else(spawn Maker()))\n"
    "  let all_of = [a ! text(), b ! list(), b ! array(), a ! buf(), (spawn Maker()) ! text()]\n"
    "  for p in all_of { out ! line(\"{p.outcome()}\") }\n"
    "}\n";

// The others: of values that are compared and sorted, texts that are cut up and changed, arrays and buffers that grow.
static const char more_natives[] =
    "import buf\n"
    "type Tree { Leaf  Both(a: Tree, b: Tree) }\n"
    "fn shared(n: Int, t: Tree) -> Tree { if n == 0 { t } else { shared(n - 1, Both(t, t)) } }\n"
    "actor Maker() {\n"
    "  on order() -> Int { if shared(40, Leaf) == shared(40, Leaf) and \"ab\".repeat(50_000) == \"ab\".repeat(50_000) { 1 } else { 0 } }\n"
    "  on sort() -> Int { let xs = (0..2_000).to_list(); (0..9).map(fn(i) { [..xs, 9 - i] }).to_array().to_list().sort().len() }\n"
    "  on cut() -> Int { let s = \"an b\\n\".repeat(1_500); s.words().len() + s.lines().len() + s.split(\"n b\").len() + s.codes().len() }\n"
    "  on change() -> Int { \"aB\".repeat(8_000).upper().replace(\"B\", \"xyz\").byte_len() + \"{\"0\".repeat(90_000)}1\".parse_int().or_else(0) }\n"
    "  on grow() -> Int { let a = (0..9_000).to_list().to_array(); a.push(1); a.insert(0, 2); let b = buf.zeros(70_000); b.push(1); b.len() + a.remove(1) }\n"
    "}\n"
    "fn main(out: Out, args: List[String]) {\n"
    "  let m = args.map(fn(_) { spawn Maker() })\n"
    "  let (a, b) = (m.first().or_else(spawn Maker()), m.last().or_else(spawn Maker()))\n"
    "  let all_of = [a ! order(), b ! sort(), b ! cut(), a ! change(), a ! grow()]\n"
    "  for p in all_of { out ! line(\"{p.outcome()}\") }\n"
    "}\n";

static ProgramImage image;
static int nowhere = -1;

static void open_image(const char *program) {
  Source *source = gc_new(Source);
  *source = (Source){.path = STR("faults.deed"), .text = str_from(program)};
  cr_assert_eq(image_compile(&image, source, STR("."), (ImageOptions){0}), 0);
  cr_assert_eq(image_verify_loudly(&image), 0);
  nowhere = open("/dev/null", O_RDWR);
}

static VmStats run(VmOptions options, VmResult *result) {
  options.out_fd = options.err_fd = options.in_fd = nowhere;
  Vm *vm = vm_new(&options);
  cr_assert(vm);
  Str error;
  for (u32 i = 0; i < image.verified.count; i++) cr_assert(vm_load(vm, image.verified.items[i], &error));
  const Str args[] = {STR("a"), STR("b")};
  *result = vm_run_main(vm, NULL, 0, args, 2);
  VmStats stats = vm_end(vm);
  cr_assert_eq(vm_charged(vm), 0, "seed %llu, kill at %llu, fail at %llu: %lld bytes are charged still", (unsigned long long)options.seed,
               (unsigned long long)options.kill_at, (unsigned long long)options.fail_alloc_at, (long long)vm_charged(vm));
  vm_free(vm);
  return stats;
}

static VmStats check(VmOptions options, u64 live, u64 n) {
  VmResult result;
  VmStats stats = run(options, &result);
  cr_assert_eq(stats.sent, stats.received + stats.dropped, "run %llu: %llu messages sent, %llu received, %llu dropped",
               (unsigned long long)n, (unsigned long long)stats.sent, (unsigned long long)stats.received, (unsigned long long)stats.dropped);
  cr_assert_eq(stats.spawned, stats.ended, "run %llu", (unsigned long long)n);
  cr_assert_eq(memory_live(), live, "run %llu: %lld bytes are missing", (unsigned long long)n, (long long)(memory_live() - live));
  return stats;
}

static u64 rounds(const char *name, u64 usual) {
  const char *given = getenv(name);
  return given ? strtoull(given, NULL, 10) : usual;
}

static bool same(VmStats a, VmStats b) { return !memcmp(&a, &b, sizeof a); }

// Kills at each `step`-th reduction of the run under each seed.
static void kill_everywhere(const char *source, u64 step) {
  open_image(source);
  u64 live = memory_live(), seeds = rounds("SEEDS", 4), hits = 0, tried = 0;
  for (u64 seed = 1; seed <= seeds; seed++) {
    VmOptions options = {.seeded = true, .seed = seed, .quantum = 50};
    VmResult result;
    VmStats unharmed = run(options, &result);
    cr_assert_eq(result.status, 0);
    for (options.kill_at = 1; options.kill_at < unharmed.reductions; options.kill_at += step, tried++) {
      hits += !same(check(options, live, options.kill_at), unharmed);
    }
  }
  // An actor whose last reduction it is may end as it would have: a few kills change nothing.
  cr_assert_gt(hits, tried * 9 / 10, "%llu of %llu kills hit", (unsigned long long)hits, (unsigned long long)tried);
  fprintf(stderr, "%llu of %llu kills changed the run\n", (unsigned long long)hits, (unsigned long long)tried);
}

Test(faults, kill_at_any_reduction, .timeout = 600) { kill_everywhere(program, 7); }
Test(faults, kill_owners_at_any_reduction, .timeout = 600) { kill_everywhere(owners, 7); }
Test(faults, kill_cycles_at_any_reduction, .timeout = 600) { kill_everywhere(cycles, 7); }
Test(faults, kill_supervised_at_any_reduction, .timeout = 600) { kill_everywhere(supervised, 7); }
Test(faults, kill_natives_at_any_reduction, .timeout = 600) { kill_everywhere(natives, 97); }
Test(faults, kill_more_natives_at_any_reduction, .timeout = 600) { kill_everywhere(more_natives, 1997); }

// Fails each allocation of the run under each seed: on until so many in a row changed nothing, for then the run has fewer.
static void fail_everywhere(const char *source) {
  enum { BEYOND = 40, FEWEST = 50 };
  open_image(source);
  u64 live = memory_live(), seeds = rounds("SEEDS", 4), all = 0;
  for (u64 seed = 1; seed <= seeds; seed++) {
    // One that is to fail, if late, has what is dead freed at once.
    VmOptions options = {.seeded = true, .seed = seed, .fail_alloc_at = (u64)1 << 60};
    VmResult result;
    VmStats unharmed = run(options, &result);
    u64 hits = 0, last = 0;
    for (u64 n = 1; n <= last + BEYOND; n++) {
      options.fail_alloc_at = n;
      if (same(check(options, live, n), unharmed)) continue;
      hits++;
      last = n;
    }
    cr_assert_gt(hits, FEWEST, "seed %llu: %llu allocations failed to some effect", (unsigned long long)seed, (unsigned long long)hits);
    all += hits;
  }
  fprintf(stderr, "%llu failed allocations changed the run\n", (unsigned long long)all);
}

Test(faults, fail_at_any_allocation, .timeout = 600) { fail_everywhere(program); }
Test(faults, fail_owners_at_any_allocation, .timeout = 600) { fail_everywhere(owners); }
Test(faults, fail_cycles_at_any_allocation, .timeout = 600) { fail_everywhere(cycles); }
Test(faults, fail_supervised_at_any_allocation, .timeout = 600) { fail_everywhere(supervised); }
Test(faults, fail_natives_at_any_allocation, .timeout = 600) { fail_everywhere(natives); }
Test(faults, fail_more_natives_at_any_allocation, .timeout = 600) { fail_everywhere(more_natives); }

Test(faults, same_seed_same_run) {
  open_image(program);
  u64 different = 0;
  VmResult result;
  VmStats first = run((VmOptions){.seeded = true, .seed = 1}, &result);
  for (u64 seed = 1; seed < 10; seed++) {
    VmStats a = run((VmOptions){.seeded = true, .seed = seed}, &result), b = run((VmOptions){.seeded = true, .seed = seed}, &result);
    cr_assert(same(a, b));
    different += !same(a, first);
  }
  cr_assert_gt(different, 4, "seeds must lead to different runs");
}
