// vm/promise.c: settling once, following, gathering, giving up, and long chains, without any actor.
#include <criterion/criterion.h>

#include "vm/sched.h"

static const VmOptions options = {.seeded = true, .seed = 1};

typedef struct Place {
  Vm *vm;
  Worker *worker;
  u64 live;
} Place;

static Place open(void) {
  u64 live = memory_live();
  Vm *vm = vm_new(&options);
  cr_assert(vm);
  return (Place){vm, vm->workers, live};
}

static void close(Place place) {
  vm_free(place.vm);
  cr_assert_eq(memory_live(), place.live, "%lld bytes are missing", (long long)(memory_live() - place.live));
}

// A list of promises, whose handles it counts, outside any heap.
static Chunk *list_of(Promise **promises, u32 count, Val *list) {
  Chunk *chunk = promise_chunk(count * 5);
  *list = VAL_NIL;
  for (u32 i = count; i--;) {
    promise_retain(promises[i]);
    Val handle = chunk_word(chunk, KIND_PROMISE, (u64)promises[i]);
    *list = chunk_cons(chunk, handle, *list);
  }
  chunk->counted = true;
  return chunk;
}

static Val text_value(const char *text, Chunk **chunk) {
  *chunk = promise_chunk(1 + bytes_words(strlen(text)));
  return chunk_string(*chunk, KIND_STRING, str_from(text));
}

static void expect_text(const Promise *promise, const char *text) {
  cr_assert_eq(atomic_load(&promise->state), PROMISE_KEPT);
  cr_assert(str_eq(obj_bytes(val_obj(promise->value)), str_from(text)));
}

Test(promise, settles_once) {
  Place place = open();
  Promise *promise = promise_new(place.worker);
  promise_retain(promise);
  cr_assert(promise_keep(place.worker, promise, val_from_small(1)));
  cr_assert(promise_keep(place.worker, promise, val_from_small(2)));
  Chunk *chunk;
  Val late = text_value("late", &chunk);
  promise_give(place.worker, promise, late, chunk);
  cr_assert_eq(promise->value, val_from_small(1));
  promise_release(place.worker, promise);
  promise_release(place.worker, promise);
  close(place);
}

Test(promise, forwards_through_a_long_chain) {
  Place place = open();
  enum { LENGTH = 200000 };
  Promise *first = promise_new(place.worker), *last = first;
  for (u32 i = 0; i < LENGTH; i++) {
    Promise *next = promise_new(place.worker);
    promise_retain(next);
    cr_assert(promise_forward(place.worker, last, next));
    if (last != first) promise_release(place.worker, last);
    last = next;
  }
  Chunk *chunk;
  Val value = text_value("through", &chunk);
  promise_give(place.worker, first, value, chunk);
  promise_release(place.worker, first);
  expect_text(last, "through");
  promise_release(place.worker, last);
  close(place);
}

// Nobody listens at the end of the chain: settling the first frees them all, one after the other.
Test(promise, frees_a_long_chain) {
  Place place = open();
  Promise *first = promise_new(place.worker), *last = first;
  for (u32 i = 0; i < 200000; i++) {
    Promise *next = promise_new(place.worker);
    cr_assert(promise_forward(place.worker, last, next));
    last = next;
  }
  cr_assert(promise_keep(place.worker, first, VAL_UNIT));
  promise_release(place.worker, first);
  close(place);
}

Test(promise, all_keeps_the_order) {
  Place place = open();
  Promise *members[3], *whole;
  for (u32 i = 0; i < 3; i++) members[i] = promise_new(place.worker);
  Val list;
  Chunk *chunk = list_of(members, 3, &list);
  cr_assert(promise_all(place.worker, list, &whole));
  chunk_free(place.worker, chunk);
  for (u32 k = 0; k < 3; k++) {
    static const u32 order[] = {2, 0, 1};
    cr_assert_eq(atomic_load(&whole->state), PROMISE_OPEN);
    cr_assert(promise_keep(place.worker, members[order[k]], val_from_small(order[k])));
    promise_release(place.worker, members[order[k]]);
  }
  Val values = whole->value;
  for (u32 i = 0; i < 3; i++, values = cons_tail(values)) cr_assert_eq(cons_head(values), val_from_small(i));
  cr_assert_eq(values, VAL_NIL);
  promise_release(place.worker, whole);
  close(place);
}

Test(promise, race_takes_the_first_and_spares_it) {
  Place place = open();
  Promise *members[2], *whole, *again;
  for (u32 i = 0; i < 2; i++) members[i] = promise_new(place.worker);
  Val list;
  Chunk *held = list_of(members, 2, &list), *chunk;
  cr_assert(promise_race(place.worker, list, &whole));
  Val value = text_value("first", &chunk);
  promise_give(place.worker, members[1], value, chunk);
  promise_release(place.worker, members[1]);
  expect_text(whole, "first");
  // A second race finds the winner settled, with its value still in place.
  cr_assert(promise_race(place.worker, list, &again));
  expect_text(again, "first");
  expect_text(members[1], "first");
  promise_release(place.worker, whole);
  promise_release(place.worker, again);
  cr_assert(promise_keep(place.worker, members[0], VAL_UNIT));
  promise_release(place.worker, members[0]);
  chunk_free(place.worker, held);
  close(place);
}

// ---- What a native does for nobody ----------------------------------------------------------------------------------

typedef struct Job {
  Operation operation;
  Promise *promise;
  int cancelled;
} Job;

static void job_cancel(Worker *worker, Operation *operation) {
  Job *job = (Job *)operation;
  job->cancelled++;
  promise_release(worker, job->promise);
}

Test(promise, calls_off_what_nobody_awaits) {
  Place place = open();
  Job job = {{.cancel = job_cancel}, promise_new(place.worker), 0};
  promise_retain(job.promise);
  promise_retain(job.promise);
  promise_operation_set(job.promise, &job.operation);
  promise_release(place.worker, job.promise);
  cr_assert_eq(job.cancelled, 0);
  promise_release(place.worker, job.promise);
  cr_assert_eq(job.cancelled, 1);

  // Not while another promise follows it.
  Job followed = {{.cancel = job_cancel}, promise_new(place.worker), 0};
  Promise *follower = promise_new(place.worker);
  promise_retain(follower);
  promise_retain(followed.promise);
  promise_operation_set(followed.promise, &followed.operation);
  cr_assert(promise_forward(place.worker, followed.promise, follower));
  promise_release(place.worker, followed.promise);
  cr_assert_eq(followed.cancelled, 0);
  cr_assert(promise_keep(place.worker, followed.promise, val_from_small(3)));
  promise_release(place.worker, followed.promise);
  cr_assert_eq(follower->value, val_from_small(3));
  promise_release(place.worker, follower);
  close(place);
}
