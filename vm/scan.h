// Which words of an object are followed: the SCAN column of kind.def, for the collector, the copier and the walker alike.
#pragma once
#include "vm/heap.h"

typedef enum Scan { SCAN_NONE, SCAN_VALS, SCAN_DATA, SCAN_CLOSURE, SCAN_COUNTED, SCAN_ARRAY } Scan;

static inline Scan kind_scan(Kind kind) {
  static const u8 scans[KIND_COUNT] = {
#define KIND(name, scan, layout) [KIND_##name] = SCAN_##scan,
#include "vm/kind.def"
#undef KIND
  };
  return (Scan)scans[kind];
}

// The words that are followed; of them, those that `raw` marks (it may be NULL) hold numbers.
typedef struct Vals {
  u64 *words;
  u64 count;
  const u8 *raw;
} Vals;

// Of an object whose real header is `header`.
static inline Vals obj_vals(Obj *obj, u64 header) {
  switch (kind_scan(header_kind(header))) {
    case SCAN_VALS: return (Vals){obj->words, header_kind(header) == KIND_CONS ? 2 : header_aux(header), NULL};
    case SCAN_DATA: {
      const Desc *desc = desc_of(header_info(header));
      return (Vals){obj->words, desc->field_count, desc->any_raw ? desc->raw : NULL};
    }
    case SCAN_CLOSURE: return (Vals){obj->words + 1, header_aux(header), NULL};
    case SCAN_ARRAY: {
      Storage *storage = handle_storage(obj);
      if (storage && storage->kind == STORAGE_VALS) return (Vals){storage->data, storage->len, NULL};
      break;
    }
    case SCAN_NONE: case SCAN_COUNTED: break;
  }
  return (Vals){obj->words, 0, NULL};
}

static inline bool header_is_counted(u64 header) { return kind_scan(header_kind(header)) >= SCAN_COUNTED; }

static inline u64 header_without(u64 header, ObjFlag flag) { return header & ~((u64)flag << 8); }
static inline u64 header_with(u64 header, ObjFlag flag) { return header | (u64)flag << 8; }

static inline size_t chunk_bytes(u32 capacity) { return sizeof(Chunk) + (size_t)capacity * 8; }
static inline size_t large_bytes(u32 words) { return offsetof(LargeObj, obj) + (size_t)words * 8; }
static inline LargeObj *large_of(Obj *obj) { return (LargeObj *)((char *)obj - offsetof(LargeObj, obj)); }

// Whether p lies in the `bytes` bytes from `low`.
static inline bool within(const void *p, const void *low, u64 bytes) { return (u64)p - (u64)low < bytes; }
