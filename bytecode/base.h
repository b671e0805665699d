// The floor everything stands on: slices, interned names, growable vectors, growable text, and the compiler's memory.
//
// Compiler memory (AST, types, modules while loading) comes from here and is never freed by hand: it lies in libgc
// chunks, or, in sanitizer builds (DEED_NO_LIBGC), in malloc chunks freed together by gc_release_all(). The VM proper
// never allocates here (docs/memory.md).
#pragma once
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define PACKED_ENUM __attribute__((packed))  // one byte, where its values allow
#define NO_RETURN __attribute__((noreturn))
#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int16_t i16;
typedef int32_t i32;
typedef int64_t i64;

// ---- Slices ---------------------------------------------------------------------------------------------------------

// A borrowed run of bytes, not NUL-terminated. Whoever made the bytes owns them.
typedef struct Str {
  const char *ptr;
  size_t len;
} Str;

#define STR(literal) ((Str){"" literal, sizeof(literal) - 1})
#define STR_ARG(s) (int)(s).len, (s).ptr  // for "%.*s"

Str str_from(const char *c_string);
bool str_eq(Str a, Str b);
int str_compare(Str a, Str b);  // bytewise; <0, 0, >0
bool str_starts_with(Str s, Str prefix);
u64 str_hash(Str s);

// FNV-1a, then a finaliser, since tables mask the low bits: str_hash() step by step.
#define HASH_START 0xcbf29ce484222325u
static inline u64 hash_byte(u64 hash, u8 byte) { return (hash ^ byte) * 0x100000001b3u; }
static inline u64 hash_end(u64 hash) { return hash ^ hash >> 29; }

// ---- Compiler memory ------------------------------------------------------------------------------------------------

void *gc_alloc(size_t size);       // zeroed, 8-aligned, may hold pointers; gc_exhausted() when memory is out
void *gc_alloc_data(size_t size);  // the same, never scanned: bytes and numbers only
NO_RETURN void gc_exhausted(size_t size);   // says that compiler memory is out, and exits with 1
void gc_tidy(void);                // between two programs compiled: collects garbage if there is much
void gc_release_all(void);         // frees everything ever handed out (sanitizer builds; else a no-op)
Str str_dup(Str s);                // copies into compiler memory, and adds a NUL past the end
Str str_format(const char *format, ...) PRINTF_LIKE(1, 2);
Str str_vformat(const char *format, va_list args);

#define gc_new(T) ((T *)gc_alloc(sizeof(T)))
#define gc_array(T, n) ((T *)gc_alloc(sizeof(T) * (size_t)(n)))

// A region is given back in one piece, for the next one: `Region r = {0};` is empty. Large blocks come from elsewhere.
typedef struct Region {
  char *at, *clean, *end;  // as of a Bump (base.c)
  void *chunks;
  size_t size;
} Region;

void *region_alloc(Region *region, size_t size);  // zeroed, may hold pointers
void region_release(Region *region);              // nothing may point into it any more

// ---- Interned names -------------------------------------------------------------------------------------------------

// Two names are equal exactly if their pointers are. Interned for the life of the process; compiler thread only.
typedef struct Name {
  Str text;
  u64 hash;
} Name;

const Name *name_of(Str text);
const Name *name_hashed(Str text, u64 hash);  // the same; `hash` is str_hash(text)
const Name *name_from(const char *c_string);

// ---- Vectors --------------------------------------------------------------------------------------------------------

// VEC(T) v = {0}; vec_push(&v, x); v.items[i], v.count. Lives in compiler memory.
#define VEC(T)    \
  struct {        \
    T *items;     \
    u32 count;    \
    u32 capacity; \
  }
#define vec_room(v) \
  (LIKELY((v)->count < (v)->capacity) ? (void)0 : vec_reserve((void **)&(v)->items, &(v)->capacity, (v)->count + 1, sizeof *(v)->items))
#define vec_push(v, x) (vec_room(v), (v)->items[(v)->count++] = (x))
#define vec_add(v) (vec_room(v), &(v)->items[(v)->count++])
#define vec_last(v) ((v)->items[(v)->count - 1])
void vec_reserve(void **items, u32 *capacity, u32 needed, size_t item_size);

// ---- Growable text --------------------------------------------------------------------------------------------------

// A growable byte buffer for building output. `Text t = {0};` is empty. Lives in compiler memory; always NUL-terminated
// once something was added.
typedef struct Text {
  char *ptr;
  size_t len;
  size_t capacity;
} Text;

void text_add(Text *t, Str s);
void text_char(Text *t, char c);
void text_printf(Text *t, const char *format, ...) PRINTF_LIKE(2, 3);
void text_vprintf(Text *t, const char *format, va_list args);
Str text_str(const Text *t);

// ---- Pointer map ----------------------------------------------------------------------------------------------------

// An open-addressing map from non-null pointers (most often Names) to pointers. `Map m = {0};` is empty.
typedef struct PtrMap {
  const void **keys;
  void **values;
  u32 count;
  u32 capacity;
} PtrMap;

void *map_get(const PtrMap *map, const void *key);              // NULL if absent
void map_put(PtrMap *map, const void *key, void *value);        // replaces

// Prints "deed: internal error: …" with file and line to stderr and exits with 70. For broken invariants only, never for
// bad input.
#define BUG(...) bug_at(__FILE__, __LINE__, __VA_ARGS__)
NO_RETURN void bug_at(const char *file, int line, const char *format, ...) PRINTF_LIKE(3, 4);
