// Sorting: array.sort_block and array.merge_part, of which array.deed makes a merge sort of arrays of any length.
//
// Both are written once for the three kinds of elements: `kind` is a constant wherever these are inlined. Raw Ints and Floats are sorted in
// one go, a block's length at most. Comparing vals may take long: then the native is interrupted. What it does depends on nothing but the
// order of the elements and what was found less than what, so it notes each answer; begun once more it takes those from its notes, comes
// to the comparison at which it stopped, and goes on. Until a block is sorted the array is what it was.
#include "vm/compare.h"
#include "vm/native_unique.h"

#define INLINE static inline __attribute__((always_inline))

enum {
  BLOCK = 1024,         // array.deed's block is no longer
  SHORT_RUN = 16,
  MOST_ANSWERS = 16384, // a block takes fewer comparisons: 7,680 for short runs, 1,024 for each doubling, and one for each pair of runs
  LESS_COST = 2,        // comparisons for each reduction
};

// The answers so far.
typedef struct Notes {
  u32 count;
  u8 less[MOST_ANSWERS];
} Notes;

typedef struct Sort {
  Worker *worker;
  Notes *notes;
  u32 asked;
  bool stopped;  // nothing is compared any more, and what comes out is not used
} Sort;

// New answers come behind those of earlier slices.
static __attribute__((noinline)) bool is_less_val(Sort *sort, Val a, Val b) {
  Notes *notes = sort->notes;
  if (UNLIKELY(sort->stopped)) return false;
  if (sort->asked < notes->count) return notes->less[sort->asked++];
  bool less = val_order(sort->worker, a, b) < 0;
  sort->stopped = sort->worker->fault != FAULT_NONE;
  if (sort->stopped) return false;
  notes->less[sort->asked++] = less;
  notes->count = sort->asked;
  sort->worker->reductions -= sort->asked % LESS_COST == 0;
  if (LIKELY(!work_is_over(sort->worker))) return less;
  sort->stopped = true;
  (void)(work_record(sort->worker) && work_pause(sort->worker));
  return less;
}

INLINE bool is_less(Sort *sort, StorageKind kind, u64 a, u64 b) {
  if (kind == STORAGE_INT) return (i64)a < (i64)b;
  if (kind == STORAGE_VALS) return is_less_val(sort, a, b);
  double x = word_double(a), y = word_double(b);
  return x < y || (y != y && x == x);
}

// In the turn's record, if the native goes on; else in `first`. What the elements are lasts from now on. False with a fault.
static bool sort_begin(Sort *sort, Worker *worker, Notes *first) {
  *sort = (Sort){.worker = worker, .notes = first};
  first->count = 0;
  if (!val_order_prepare(worker)) return false;
  const Work *work = work_begun(worker);
  if (work) sort->notes = work->own;
  return true;
}

// All is done, or there is a fault; if that is a pause the notes join the record.
static bool sort_end(Sort *sort) {
  Worker *worker = sort->worker;
  if (!sort->stopped) return work_end(worker);
  if (!work_paused(worker)) return false;
  (void)!work_keep(worker, sort->notes, sizeof(Notes));  // without memory that is the fault
  return false;
}

// ---- A block --------------------------------------------------------------------------------------------------------

INLINE void insertion_sort(Sort *sort, StorageKind kind, u64 *data, u64 count) {
  for (u64 i = 1; i < count; i++) {
    u64 word = data[i], j = i;
    for (; j > 0 && is_less(sort, kind, word, data[j - 1]); j--) data[j] = data[j - 1];
    data[j] = word;
  }
}

// Merges a[0..m) and b[0..n) to `to`, until that has `count` words. Of equal ones those of `a` come first.
INLINE void merge(Sort *sort, StorageKind kind, const u64 *a, u64 m, const u64 *b, u64 n, u64 *to, u64 count) {
  const u64 *a_end = a + m, *b_end = b + n;
  u64 *end = to + count;
  while (to < end && a < a_end && b < b_end) {
    bool second = is_less(sort, kind, *b, *a);
    *to++ = second ? *b : *a;
    a += !second;
    b += second;
  }
  while (to < end && a < a_end) *to++ = *a++;
  while (to < end && b < b_end) *to++ = *b++;
}

INLINE void block_sort(Sort *sort, StorageKind kind, u64 *data, u64 count) {
  u64 spare[BLOCK];
  for (u64 at = 0; at < count; at += SHORT_RUN) insertion_sort(sort, kind, data + at, count - at < SHORT_RUN ? count - at : SHORT_RUN);
  for (u64 width = SHORT_RUN; width < count; width *= 2) {
    for (u64 at = 0; at + width < count; at += 2 * width) {
      u64 n = count - at - width < width ? count - at - width : width;
      if (!is_less(sort, kind, data[at + width], data[at + width - 1])) continue;
      memcpy(spare, data + at, width * sizeof(u64));
      // What is still to come of the second run always lies behind what is written.
      merge(sort, kind, spare, width, data + at + width, n, data + at, width + n);
    }
  }
}

// In a copy, which takes the elements' places when it is sorted.
static bool vals_sort(Worker *worker, const u64 *args, u64 from, u64 count) {
  Notes first;
  Sort sort;
  if (!sort_begin(&sort, worker, &first)) return false;
  u64 sorted[BLOCK], *data = handle_storage(val_obj(args[0]))->data + from;
  memcpy(sorted, data, count * sizeof(u64));
  block_sort(&sort, STORAGE_VALS, sorted, count);
  if (!sort_end(&sort)) return false;
  memcpy(data, sorted, count * sizeof(u64));
  return true;
}

static bool give_unit(u64 *args) {
  args[0] = VAL_UNIT;
  return true;
}

bool native_array_sort_block(Worker *worker, u64 *args) {
  if (!part_check(worker, "array.sort_block", args[0], args[1], args[2], "elements")) return false;
  u64 from = args[1], count = args[2] - from;
  if (count > BLOCK) return fault_set(worker, "array.sort_block: %llu elements are too many", (unsigned long long)count);
  if (count < 2) return give_unit(args);
  u64 *data = handle_storage(val_obj(args[0]))->data + from;
  switch (handle_storage(val_obj(args[0]))->kind) {
    case STORAGE_INT: block_sort(NULL, STORAGE_INT, data, count); break;
    case STORAGE_FLOAT: block_sort(NULL, STORAGE_FLOAT, data, count); break;
    case STORAGE_VALS:
      if (!vals_sort(worker, args, from, count)) return false;
      break;
    case STORAGE_NONE: case STORAGE_BYTES: break;
  }
  storage_wrote(worker, val_obj(args[0]), from, count);
  worker->reductions -= (i64)(count / 4);
  return give_unit(args);
}

// ---- A part of two runs ---------------------------------------------------------------------------------------------

// How many of the first k merged elements come from a[0..m), the others coming from b[0..n).
INLINE u64 rank(Sort *sort, StorageKind kind, const u64 *a, u64 m, const u64 *b, u64 n, u64 k) {
  u64 low = k > n ? k - n : 0, high = k < m ? k : m;
  while (low < high) {
    u64 middle = low + (high - low) / 2;
    if (is_less(sort, kind, b[k - middle - 1], a[middle])) high = middle;
    else low = middle + 1;
  }
  return low;
}

// Words k to k + count of the two runs merged.
INLINE void merge_from(Sort *sort, StorageKind kind, const u64 *a, u64 m, const u64 *b, u64 n, u64 k, u64 *to, u64 count) {
  u64 i = rank(sort, kind, a, m, b, n, k), j = k - i;
  merge(sort, kind, a + i, m - i, b + j, n - j, to, count);
}

static bool merge_refused(Worker *worker) { return fault_set(worker, "array.merge_part: there are no such runs"); }

static bool runs_check(Worker *worker, const u64 *args) {
  u64 low = args[2], middle = args[3], high = args[4], at = args[5], until = args[6];
  const Storage *runs = handle_storage(val_obj(args[0])), *merged = handle_storage(val_obj(args[1]));
  if (!runs || !merged || runs == merged || runs->kind != merged->kind) return merge_refused(worker);
  if (low > middle || middle > high || high > runs->len || high > merged->len) return merge_refused(worker);
  if (at < low || until < at || until > high || until - at > BLOCK) return merge_refused(worker);
  return true;
}

bool native_array_merge_part(Worker *worker, u64 *args) {
  Notes first;
  Sort sort;
  u64 merged[BLOCK];
  if (!runs_check(worker, args) || !sort_begin(&sort, worker, &first)) return false;
  u64 low = args[2], middle = args[3], high = args[4], at = args[5], count = args[6] - at;
  const Storage *runs = handle_storage(val_obj(args[0]));
  Storage *to = handle_storage(val_obj(args[1]));
  const u64 *a = runs->data + low, *b = runs->data + middle;
  u64 m = middle - low, n = high - middle, k = at - low, *out = to->data + at;
  switch (runs->kind) {
    case STORAGE_INT: merge_from(&sort, STORAGE_INT, a, m, b, n, k, out, count); break;
    case STORAGE_FLOAT: merge_from(&sort, STORAGE_FLOAT, a, m, b, n, k, out, count); break;
    case STORAGE_VALS: merge_from(&sort, STORAGE_VALS, a, m, b, n, k, merged, count); break;
    case STORAGE_NONE: case STORAGE_BYTES: break;
  }
  if (!sort_end(&sort)) return false;
  if (to->kind == STORAGE_VALS) memcpy(out, merged, count * sizeof(u64));
  storage_wrote(worker, val_obj(args[1]), at, count);
  worker->reductions -= (i64)(count / 16);
  return give_unit(args);
}
