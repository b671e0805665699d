// Heap objects: headers, descriptors, and the layout of each kind of kind.def.
//
// An object is a header word and its payload, 8-byte aligned. While a collection or a copy runs, a header may be replaced by
// a forwarding word, whose low bit is 0 (real headers have it 1). Objects are immutable once built, except for the weight in
// a REF, and for handles: a handle owns something that lies outside the heap, and is *spent*, its first word 0, once that
// has been moved to another handle or given up (storage.h).
#pragma once
#include "vm/value.h"

typedef enum Kind {
  KIND_NONE,
#define KIND(name, scan, layout) KIND_##name,
#include "vm/kind.def"
#undef KIND
  KIND_COUNT
} Kind;

typedef enum ObjFlag {
  OBJ_IMMORTAL = 1,  // lies in a loaded image: never moved, copied, freed or written
  OBJ_LARGE = 2,     // lies in a large-object block of its own (heap.h): marked, not moved
  OBJ_UNIQUE = 4,    // of a REF: a session; of a PROMISE: of a unique value. Moved, never copied
  OBJ_SHARED = 8,    // lies in a shared block (shared.h): neither moved nor written
  OBJ_FROZEN = 16,   // has a copy in a shared block, which its heap remembers: collections and copies put that in its place
} ObjFlag;

// Header: (kind << 1 | 1):8, flags:8, aux:16, info:32.
typedef struct Obj {
  u64 header;
  u64 words[];
} Obj;

#define OBJ_HEADER(kind, aux, info) ((u64)(kind) << 1 | 1 | (u64)(u16)(aux) << 16 | (u64)(u32)(info) << 32)

static inline Obj *val_obj(Val v) { return (Obj *)v; }
static inline Val obj_val(const Obj *o) { return (Val)o; }
static inline bool header_is_forward(u64 header) { return !(header & 1); }
static inline Kind header_kind(u64 header) { return (Kind)((header & 0xff) >> 1); }
static inline u8 header_flags(u64 header) { return (u8)(header >> 8); }
static inline u16 header_aux(u64 header) { return (u16)(header >> 16); }
static inline u32 header_info(u64 header) { return (u32)(header >> 32); }
static inline Kind obj_kind(const Obj *o) { return header_kind(o->header); }
static inline bool val_is_kind(Val v, Kind kind) { return val_is_pointer(v) && obj_kind(val_obj(v)) == kind; }

// A constructor of a data type, at run time. Made at load, lives as long as the VM.
typedef struct Desc {
  u32 id;
  u16 tag;            // constructor number within its type
  u16 field_count;
  u16 ctor_count;     // of the type
  bool opaque;        // shows as <Type>
  u8 role;            // a Role: how show and compare treat it
  Str module, type_name, name;
  const Str *field_names;
  const u8 *raw;      // for each field: 0 a val, 1 a raw Int, 2 a raw Float
  bool any_raw;
} Desc;

// Data types of the library that show and compare know by meaning instead of structure.
typedef enum Role {
  ROLE_PLAIN,
  ROLE_RANGE,   // range.Range(from, until): shows as 0..3
  ROLE_MAP,     // map.Map's node Bin(size, key, value, left, right) and Tip: compares and shows as its items in key order
  ROLE_SET,     // set.Set(items: Map[T, ()]): shows as set.from([..])
} Role;

// Words of a Map's Bin; the first is raw.
enum { BIN_SIZE, BIN_KEY, BIN_VALUE, BIN_LEFT, BIN_RIGHT };

extern Desc **desc_table;  // by id; ids are dense from 1. Grows only while loading, before any worker runs
static inline const Desc *desc_of(u32 id) { return desc_table[id]; }

// Number of a data value's constructor.
static inline u16 val_tag(Val v) { return val_is_const(v) ? const_tag(v) : header_aux(val_obj(v)->header); }

static inline u32 bytes_words(u64 bytes) { return (u32)((bytes + 7) / 8); }

// Words of the whole object, header included, from its (real) header alone.
static inline u32 header_words(u64 header) {
  switch (header_kind(header)) {
    case KIND_INT: case KIND_FLOAT: case KIND_DURATION: case KIND_TIME: case KIND_PROMISE: case KIND_BUF: case KIND_ARRAY:
    case KIND_SHARED: return 2;
    case KIND_STRING: case KIND_BYTES: return 1 + bytes_words(header_info(header));
    case KIND_CONS: return 3;
    case KIND_TUPLE: return 1u + header_aux(header);
    case KIND_DATA: return 1u + desc_of(header_info(header))->field_count;
    case KIND_CLOSURE: return 2u + header_aux(header);
    case KIND_REF: case KIND_BLOB: return 4;
    case KIND_NONE: case KIND_COUNT: break;
  }
  BUG("bad object header %llx", (unsigned long long)header);
}

// ---- Reading objects of known kind ----
enum { BLOB_STORAGE, BLOB_BYTES, BLOB_LENGTH };
static inline Str obj_bytes(const Obj *o) {  // STRING, BYTES, BLOB
  if (UNLIKELY(obj_kind(o) == KIND_BLOB)) return (Str){(const char *)o->words[BLOB_BYTES], o->words[BLOB_LENGTH]};
  return (Str){(const char *)o->words, header_info(o->header)};
}
static inline Val cons_head(Val v) { return val_obj(v)->words[0]; }
static inline Val cons_tail(Val v) { return val_obj(v)->words[1]; }
static inline i64 val_int(Val v) { return val_is_int(v) ? val_small(v) : (i64)val_obj(v)->words[0]; }
static inline double val_float(Val v) { return word_double(val_obj(v)->words[0]); }
static inline i64 val_us(Val v) { return (i64)val_obj(v)->words[0]; }  // DURATION, TIME

// ---- REF ----
// A session's weight is always one WEIGHT_UNIT; in the weight's place stands the message that tells its actor when it is dropped, or 0.
enum { REF_ACTOR, REF_ITABLE, REF_WEIGHT, SESSION_DROPPED = REF_WEIGHT };
enum { REF_WORDS = 4 };  // with its header
#define REF_HEADER OBJ_HEADER(KIND_REF, 0, 0)
#define SESSION_HEADER (REF_HEADER | (u64)OBJ_UNIQUE << 8)
typedef struct Actor Actor;
typedef struct Itable Itable;
typedef struct Promise Promise;
typedef struct Code Code;
static inline Actor *ref_actor(const Obj *o) { return (Actor *)o->words[REF_ACTOR]; }
static inline const Itable *ref_itable(const Obj *o) { return (const Itable *)o->words[REF_ITABLE]; }
static inline Promise *promise_of(const Obj *o) { return (Promise *)o->words[0]; }
static inline const Code *closure_code(const Obj *o) { return (const Code *)o->words[0]; }
static inline Val *closure_captures(Obj *o) { return o->words + 1; }

// ---- BUF, ARRAY, BLOB ----
typedef enum StorageKind {
  STORAGE_NONE,   // of an array that never had an element
  STORAGE_BYTES,  // of a Buf, and of shared Bytes
  STORAGE_INT,
  STORAGE_FLOAT,
  STORAGE_VALS,
} StorageKind;

// One block of elements outside the heap: see storage.h.
typedef struct Storage {
  u64 len, cap;        // elements, of a Buf bytes
  StorageKind kind;
  _Atomic u32 count;   // handles; more than one only of shared Bytes
  u64 data[];          // of VALS, behind cap elements: a Writes (storage.h)
} Storage;

// NULL: the handle is spent, or never had an element.
static inline Storage *handle_storage(const Obj *handle) { return (Storage *)handle->words[0]; }
