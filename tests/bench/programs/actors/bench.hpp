// What the benchmark programs share: numbers from the command line, an actor system with as many threads as the variable CAF_THREADS
// says, and timing of the work alone.
//
// Where very many actors are ready at once the threads share one queue: stealing from a long one walks all of it (CAF 0.17).
#ifndef BENCH_HPP
#define BENCH_HPP
#include <caf/all.hpp>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

using namespace caf;

struct Bench {
  int argc;
  char **argv;
  actor_system_config config;

  enum Policy { stealing, sharing };

  Bench(int argc, char **argv, Policy policy = stealing) : argc(argc), argv(argv) {
    if (policy == sharing) config.set("scheduler.policy", atom("sharing"));
    const char *threads = std::getenv("CAF_THREADS");
    if (threads) config.set("scheduler.max-threads", static_cast<size_t>(std::atoi(threads)));
  }

  int number(int at, int otherwise) const { return at + 1 < argc ? std::atoi(argv[at + 1]) : otherwise; }

  static long now_us() {
    return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
  }

  // Ends the program at once: actors that still wait for messages would keep it alive.
  [[noreturn]] static void end() {
    std::fflush(stdout);
    std::_Exit(0);
  }

  // Runs `start`, which makes the actors and starts them off; the result is the first number that is sent to `self`.
  template <class Start> void timed(Start start) {
    actor_system system{config};
    scoped_actor self{system};
    long begin = now_us(), result = 0;
    start(self, system);
    self->receive([&](long n) { result = n; });
    std::printf("%ld\nus %ld\n", result, now_us() - begin);
    end();
  }
};

#endif
