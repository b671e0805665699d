# Deed. `make` builds build/deed; `make help` lists the rest.

CC      ?= gcc
BUILD   ?= build
PKGS     = bdw-gc jemalloc libutf8proc
WARN     = -Wall -Wextra -Wswitch -Wno-unused-parameter
CFLAGS  ?= -O2 -g
ALLFLAGS = -std=gnu17 $(WARN) $(CFLAGS) -I. -I$(BUILD)/gen -MMD -MP $(DEFS) $(shell pkg-config --cflags $(PKGS))
LIBS     = $(shell pkg-config --libs $(PKGS)) -lm -lpthread

BYTECODE = $(wildcard bytecode/*.c bytecode/front/*.c)
VM       = $(wildcard vm/*.c)
REPL     = $(wildcard repl/*.c)
STDLIB   = $(wildcard stdlib/*.deed stdlib/*/*.deed)
OBJECTS  = $(patsubst %.c,$(BUILD)/%.o,$(BYTECODE) $(VM)) $(BUILD)/gen/stdlib.o

all: $(BUILD)/deed  ## build the program, build/deed

$(BUILD)/deed: $(OBJECTS) $(patsubst %.c,$(BUILD)/%.o,$(REPL))
	$(CC) $(CFLAGS) -o $@ $^ $(LIBS)

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALLFLAGS) -c -o $@ $<

# The library's sources, embedded: see repl/library.h.
$(BUILD)/gen/stdlib.S: $(STDLIB) Makefile
	@mkdir -p $(@D)
	@{ echo '.section .rodata'; echo '.globl stdlib_table'; \
	   for f in $(STDLIB); do l=$$(echo $$f | tr '/.' '__'); echo "$$l: .incbin \"$$f\""; echo "$${l}_end: .byte 0"; echo "$${l}_name: .asciz \"$${f#stdlib/}\""; done; \
	   echo '.section .data.rel.ro,"aw"'; echo '.balign 8'; echo 'stdlib_table:'; \
	   for f in $(STDLIB); do l=$$(echo $$f | tr '/.' '__'); echo ".quad $${l}_name, $$l, $${l}_end"; done; echo '.quad 0, 0, 0'; \
	   echo '.section .note.GNU-stack,"",@progbits'; } > $@

$(BUILD)/gen/stdlib.o: $(BUILD)/gen/stdlib.S
	$(CC) -c -o $@ $<

help:  ## list the targets
	@grep -hE '^[a-z]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 12

clean:  ## remove what was built
	rm -rf $(BUILD)

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
.PHONY: all help clean
