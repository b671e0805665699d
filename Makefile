# Deed. `make` builds build/deed; `make help` lists the rest.

BUILD   ?= build
PREFIX  ?= /usr/local
CC       = gcc
CFLAGS  ?= -O2 -g
WARN     = -Wall -Wextra -Wswitch -Wno-unused-parameter
PKGS     = bdw-gc jemalloc libutf8proc
# Set by the modes below: DEFS are macros, SANITIZE goes to the compiler and the linker, WERROR is -Werror in checks.
ALLFLAGS = -std=gnu17 -D_GNU_SOURCE $(WARN) $(WERROR) $(CFLAGS) $(SANITIZE) -I. -I$(BUILD)/gen -MMD -MP $(DEFS) \
           $(shell pkg-config --cflags $(PKGS))
LIBS     = $(shell pkg-config --libs $(PKGS)) -lm -lpthread

CORE     = $(wildcard bytecode/*.c bytecode/front/*.c vm/*.c)
REPL     = $(wildcard repl/*.c)
UNIT     = $(wildcard tests/unit/*.c)
FUZZ     = $(wildcard tests/fuzz/*.c)
GEN      = $(wildcard tests/gen/*.c)
GENMAIN  = tests/gen/mutate.c tests/gen/programs.c
ATTACK   = $(wildcard tests/attack/*.c)
STDLIB   = $(wildcard stdlib/*.deed stdlib/*/*.deed)
object   = $(patsubst %.c,$(BUILD)/%.o,$(1))
OBJECTS  = $(call object,$(CORE)) $(BUILD)/gen/stdlib.o
# Everything but main(), for the unit tests and the fuzzers.
PARTS    = $(OBJECTS) $(call object,$(filter-out repl/main.c repl/cmd_%,$(REPL)))

DEPS     = gcc make pkg-config libc6-dev libgc-dev libjemalloc-dev libutf8proc-dev libreadline-dev libcriterion-dev python3 \
           clang libclang-rt-14-dev spin

all: $(BUILD)/deed  ## build the program, build/deed

help:  ## list the targets
	@grep -hE '^[a-z]+:.*## ' Makefile | sed -E 's/:.*## /\t/' | expand -t 12

deps:  ## install the Debian packages that building and testing need (asks for root only if one is missing)
	@missing=; for p in $(DEPS); do dpkg-query -W -f '$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || missing="$$missing $$p"; done; \
	if [ -n "$$missing" ]; then sudo=; [ "$$(id -u)" = 0 ] || sudo=sudo; \
	  $$sudo apt-get update -q && DEBIAN_FRONTEND=noninteractive $$sudo apt-get install -y -q --no-install-recommends $$missing; fi

# ---- Building -------------------------------------------------------------------------------------------------------

$(BUILD)/deed: $(OBJECTS) $(call object,$(REPL))
	$(CC) $(CFLAGS) $(SANITIZE) -o $@ $^ $(LIBS)

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALLFLAGS) -c -o $@ $<

# The library's sources, embedded: see repl/library.h. The list of files is a prerequisite too, so that a module that goes
# away goes away here.
$(BUILD)/gen/stdlib.list: FORCE
	@mkdir -p $(@D)
	@echo $(STDLIB) | cmp -s - $@ || echo $(STDLIB) > $@

$(BUILD)/gen/stdlib.S: $(STDLIB) $(BUILD)/gen/stdlib.list
	@{ echo '.section .rodata'; echo '.globl stdlib_table'; \
	   for f in $(STDLIB); do l=$$(echo $$f | tr '/.' '__'); echo "$$l: .incbin \"$$f\""; echo "$${l}_end: .byte 0"; \
	     echo "$${l}_name: .asciz \"$${f#stdlib/}\""; done; \
	   echo '.section .data.rel.ro,"aw"'; echo '.balign 8'; echo 'stdlib_table:'; \
	   for f in $(STDLIB); do l=$$(echo $$f | tr '/.' '__'); echo ".quad $${l}_name, $$l, $${l}_end"; done; echo '.quad 0, 0, 0'; \
	   echo '.section .note.GNU-stack,"",@progbits'; } > $@

$(BUILD)/gen/stdlib.o: $(BUILD)/gen/stdlib.S
	$(CC) -c -o $@ $<

$(BUILD)/unit: $(call object,$(UNIT)) $(PARTS)
	$(CC) $(CFLAGS) $(SANITIZE) -o $@ $^ $(LIBS) -lcriterion

$(BUILD)/fuzz-%: $(BUILD)/tests/fuzz/%.o $(PARTS)
	$(CC) $(CFLAGS) $(SANITIZE) -fsanitize=fuzzer -o $@ $^ $(LIBS)

# Tools that make their own tests: changed modules, and programs from a seed.
$(BUILD)/mutate $(BUILD)/programs: $(BUILD)/%: $(BUILD)/tests/gen/%.o $(call object,$(filter-out $(GENMAIN),$(GEN))) $(PARTS)
	$(CC) $(CFLAGS) $(SANITIZE) -o $@ $^ $(LIBS)

# Tests that kill and starve a program from within.
$(BUILD)/kills $(BUILD)/starve: $(BUILD)/%: $(BUILD)/tests/attack/%.o $(BUILD)/tests/attack/rig.o $(PARTS)
	$(CC) $(CFLAGS) $(SANITIZE) -o $@ $^ $(LIBS)

# ---- Testing --------------------------------------------------------------------------------------------------------

test: $(BUILD)/deed $(BUILD)/unit  ## run every test; FILTER=text for some, WRAP=valgrind to look closer
	@DEED=$(BUILD)/deed UNIT=$(BUILD)/unit tests/run $(FILTER)

check:  ## what needs no running: warnings as errors, the include graph, file sizes
	@$(MAKE) --no-print-directory BUILD=build/check CFLAGS=-O1 WERROR=-Werror build/check/deed build/check/unit build/check/mutate build/check/programs
	@python3 tests/floors.py

STRESS_SEEDS ?= 200

stress:  ## the tests with a collection at every chance, a tiny nursery, a yield wherever one may be, under STRESS_SEEDS seeds
	@$(MAKE) --no-print-directory BUILD=build/stress DEFS=-DDEED_STRESS all
	@DEED=build/stress/deed SLOW=20 SCALED=1 SEEDS=$(STRESS_SEEDS) tests/run $(or $(FILTER),lang examples seed library)

# Sanitizers see every block only with malloc: no libgc, no jemalloc. Their frames are no tail calls: a switch dispatches.
NO_GC    = -DDEED_NO_LIBGC -DDEED_NO_JEMALLOC -DDEED_SWITCH
MALLOC   = PKGS=libutf8proc DEFS='$(NO_GC)'

asan:  ## the tests under AddressSanitizer
	@$(MAKE) --no-print-directory BUILD=build/asan $(MALLOC) SANITIZE=-fsanitize=address CFLAGS='-O1 -g -fno-omit-frame-pointer' all
	@DEED=build/asan/deed SLOW=5 tests/run $(FILTER)

ubsan:  ## the tests under UndefinedBehaviorSanitizer
	@$(MAKE) --no-print-directory BUILD=build/ubsan $(MALLOC) SANITIZE='-fsanitize=undefined -fno-sanitize-recover=all' CFLAGS='-O1 -g' all
	@DEED=build/ubsan/deed SLOW=5 tests/run $(FILTER)

# Programs in which actors meet: the others run in one worker, whatever it is allowed.
TSAN_WORKERS ?= 4
TSAN = DEED=build/$(1)/deed DEED_WORKERS=$(TSAN_WORKERS) SLOW=20 SCALED=1 tests/run \
  $(or $(FILTER),actors workers unique banks engine promises guards messages lang/run examples)

tsan:  ## the tests of actors under ThreadSanitizer with TSAN_WORKERS workers, and again with the shortest slices and most collections
	@$(MAKE) --no-print-directory BUILD=build/tsan $(MALLOC) SANITIZE=-fsanitize=thread CFLAGS='-O1 -g' all
	@$(call TSAN,tsan)
	@$(MAKE) --no-print-directory BUILD=build/tsan-stress PKGS=libutf8proc DEFS='$(NO_GC) -DDEED_STRESS' SANITIZE=-fsanitize=thread CFLAGS='-O1 -g' all
	@$(call TSAN,tsan-stress)

model:  ## check the protocols between workers, and that no mutant of them passes, with Spin
	@tests/model/run $(MODEL)

FUZZ_SECONDS ?= 20

fuzz:  ## feed every fuzzer random input for FUZZ_SECONDS each
	@$(MAKE) --no-print-directory BUILD=build/fuzz CC=clang $(MALLOC) SANITIZE='-fsanitize=address,undefined,fuzzer-no-link' \
	  CFLAGS='-O1 -g' $(FUZZ:tests/fuzz/%.c=build/fuzz/fuzz-%)
	@for f in $(FUZZ:tests/fuzz/%.c=%); do mkdir -p build/fuzz/corpus/$$f; \
	  build/fuzz/fuzz-$$f -max_total_time=$(FUZZ_SECONDS) -timeout=10 -rss_limit_mb=4096 -verbosity=0 -artifact_prefix=build/fuzz/ \
	    $$(ls tests/fuzz/$$f.dict 2>/dev/null | sed s/^/-dict=/) build/fuzz/corpus/$$f $$(ls -d tests/fuzz/corpus/$$f 2>/dev/null) || exit 1; done

# Short stacks in reports, and little memory kept from reuse: a third faster.
ASAN_FAST = detect_leaks=0:malloc_context_size=3:quarantine_size_mb=16:max_malloc_fill_size=0
MUTANTS ?= 100000
MUTATED  = tests/lang/*/*.deed tests/examples/*.deed tests/asm/ok-*.dasm

mutate:  ## change valid modules, and run what the verifier accepts, MUTANTS times; MUTATE='--seed 2' for others
	@$(MAKE) --no-print-directory BUILD=build/mutate PKGS=libutf8proc DEFS='$(NO_GC) -DDEED_WALK -DDEED_COUNT' \
	  SANITIZE=-fsanitize=address CFLAGS='-O2 -g -fno-omit-frame-pointer' build/mutate/mutate
	@ASAN_OPTIONS=$(ASAN_FAST) build/mutate/mutate --count $(MUTANTS) --generated 300 $(MUTATE) $(MUTATED)

PROGRAMS ?= 1000

programs:  ## run PROGRAMS random programs in three builds, which must agree
	@$(MAKE) --no-print-directory $(BUILD)/programs
	@$(MAKE) --no-print-directory BUILD=build/stress DEFS=-DDEED_STRESS build/stress/programs
	@$(MAKE) --no-print-directory BUILD=build/asan $(MALLOC) SANITIZE=-fsanitize=address CFLAGS='-O1 -g -fno-omit-frame-pointer' build/asan/programs
	@ASAN_OPTIONS=$(ASAN_FAST) tests/gen/compare 1 $(PROGRAMS) $(BUILD)/programs build/stress/programs build/asan/programs

bench: $(BUILD)/deed  ## compare with Erlang, Go, CAF, Lua and C, and bring docs/benchmarks.md up to date; BENCH='actors' for a part
	@DEED=$(BUILD)/deed python3 tests/bench/run.py $(BENCH)

# ---- Installing -----------------------------------------------------------------------------------------------------

install: $(BUILD)/deed  ## install to PREFIX (/usr/local), below DESTDIR if that is set
	install -d $(DESTDIR)$(PREFIX)/bin
	install -m 755 $(BUILD)/deed $(DESTDIR)$(PREFIX)/bin/deed

clean:  ## remove what was built
	rm -rf $(BUILD)

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
.PHONY: all help deps test check stress asan ubsan tsan model fuzz mutate programs bench install clean FORCE
.SECONDARY:
