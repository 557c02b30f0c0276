// Tracing: who may, what each class records, that a ring wraps and can only be read, that it ends with its last capability or
// with the process that held it, and that a round trip does the same whether it is traced or not.
#include "tests/kernel/harness.h"

#include "libipc/protocols/kernel.h"

enum { RING_BYTES = 2 * PAGE, RECORDS = RING_BYTES / 32 - 1 };

static cap_t memory, endpoint, session;
static struct trace_ring *ring; // read-only

static const struct trace_record *record(uint64_t number) {
    return (const struct trace_record *)ring + 1 + number % RECORDS;
}

// The first record of the event from number `from` on that has the thread and the other party; UINT64_MAX if there is none.
static uint64_t find(uint64_t from, enum trace_event event, uint64_t thread, uint64_t other) {
    for (uint64_t number = from; number < ring->written; number++)
        if (record(number)->event == event && record(number)->thread == thread && record(number)->other == other)
            return number;
    return UINT64_MAX;
}

static bool has(uint64_t from, enum trace_event event, uint64_t code) {
    for (uint64_t number = from; number < ring->written; number++)
        if (record(number)->event == event && record(number)->code == code)
            return true;
    return false;
}

static uint64_t serial_of(cap_t thread) {
    struct thread_information information = {0};
    must(thread_information(thread, &information), "information");
    return information.serial;
}

static void set_up(void) {
    must(kernel_trace_ring(SLOT_KERNEL, 0, RING_BYTES, &memory), "a ring");
    ring = map_memory(memory, RING_BYTES, MAP_FLAG_READ);
    endpoint = new_endpoint();
    session = new_session(endpoint, 5);
}

static void tear_down(void) {
    slot_release(memory);
    unmap(ring, RING_BYTES);
    slot_release(session);
    drop_endpoint(endpoint);
}

static void test_who(void) {
    cap_t weak = 0, other = 0;
    uint64_t address, count;
    must(slot_duplicate(SLOT_KERNEL, RIGHTS_ALL & ~RIGHT_READ, &weak), "a weak capability");
    check_error(kernel_trace_ring(weak, 0, RING_BYTES, &other), ERR_RIGHTS, "a ring needs the right to trace");
    check_error(kernel_trace_start(weak, 0, 0), ERR_RIGHTS, "and so does the switch");
    slot_release(weak);
    check_error(kernel_trace_start(SLOT_KERNEL, TRACE_CLASS_IPC, 0), ERR_INVALID, "nothing is recorded without a ring");
    check_error(kernel_trace_ring(SLOT_KERNEL, 77, RING_BYTES, &other), ERR_NOT_FOUND, "there is no such processor");
    check_error(kernel_trace_ring(SLOT_KERNEL, 0, 3 * PAGE, &other), ERR_INVALID, "a length that is no power of two");
    check_error(kernel_trace_ring(SLOT_KERNEL, 0, PAGE / 2, &other), ERR_INVALID, "a length below a page");
    check_error(kernel_trace_ring(SLOT_KERNEL, 0, UINT64_C(1) << 40, &other), ERR_INVALID, "a length above all bounds");
    set_up();
    check_error(kernel_trace_ring(SLOT_KERNEL, 0, RING_BYTES, &other), ERR_BUSY, "a processor has one ring");
    check_error(kernel_trace_start(SLOT_KERNEL, 1 << 20, 0), ERR_INVALID, "a class that does not exist");
    check(ring->records == RECORDS && ring->written == 0, "an empty ring says how many records it holds");
    check_error(process_map(SLOT_SELF, 0, RING_BYTES, 0, MAP_FLAG_READ | MAP_FLAG_WRITE, memory, &address), ERR_RIGHTS,
                "it can't be mapped to write");
    check_error(memory_write(memory, 0, "x", 1, &count), ERR_RIGHTS, "nor written");
    check_error(memory_discard(memory, 0, PAGE), ERR_RIGHTS, "nor discarded");
    tear_down();
}

static void test_call(void) {
    struct ipc_registers in;
    set_up();
    struct actor *caller = caller_new(SYS_CALL, session, TAG(TEST_METHOD, 4));
    for (uint64_t i = 0; i < 4; i++)
        caller->registers.words[i] = 100 + i;
    uint64_t client = serial_of(caller->thread), server = serial_of(SLOT_THREAD);
    must(kernel_trace_start(SLOT_KERNEL, TRACE_CLASS_IPC, 0), "tracing");
    actor_go(caller);
    must(receive_poll(endpoint, &in), "receiving");
    struct ipc_registers out = {.tag = TAG(0, 2), .words = {7, 8}};
    must(system_call(SYS_REPLY, &out), "answering");
    must(kernel_trace_start(SLOT_KERNEL, 0, 0), "no tracing");
    uint64_t written = ring->written, call = find(0, TRACE_EVENT_CALL, client, client);
    check(call != UINT64_MAX && record(call)->code == TEST_METHOD && record(call)->value == 1, "a call is recorded");
    const struct trace_record *words = record(call + 1);
    uint64_t second;
    memcpy(&second, &words->process, sizeof(second));
    check(words->event == TRACE_EVENT_WORDS && words->code == 0 && words->time == 100 && second == 101 && words->value == 102,
          "with its first three words");
    check(record(call + 2)->event == TRACE_EVENT_WORDS && record(call + 2)->code == 3 && record(call + 2)->time == 103,
          "and the fourth");
    uint64_t received = find(call, TRACE_EVENT_RECEIVE, server, client);
    check(received != UINT64_MAX && record(received)->code == TEST_METHOD && record(received)->value == 1, "its receiver");
    uint64_t reply = find(call, TRACE_EVENT_REPLY, server, client);
    check(reply != UINT64_MAX && received < reply && record(reply)->code == 0 && record(reply + 1)->event == TRACE_EVENT_WORDS &&
              record(reply + 1)->time == 7,
          "the reply and its words");
    check(record(call)->time < record(received)->time && record(received)->time < record(reply)->time, "in the order of time");
    check(has(0, TRACE_EVENT_INVOKE, METHOD_KERNEL_TRACE_START), "calls of kernel objects as well");
    actor_free(caller);
    (void)serial_of(SLOT_THREAD);
    check_value(ring->written, written, "and nothing once it is off");
    tear_down();
}

static void serve_ten(struct actor *actor) {
    actor->registers = (struct ipc_registers){.target = endpoint};
    actor->result = system_call(SYS_WAIT, &actor->registers);
    for (int i = 0; i < 10 && !actor->result; i++) {
        actor->values[i % 8] = actor->registers.words[0] * 100 + actor->registers.words[3];
        actor->registers.words[1] = actor->registers.words[0] + 1;
        actor->registers.target = endpoint;
        actor->registers.tag = TAG(0, 2);
        actor->registers.second = 0;
        actor->result = system_call(i == 9 ? SYS_REPLY : SYS_REPLY_WAIT, &actor->registers);
    }
}

// The sum of all that a client and its server saw of ten round trips.
static uint64_t round_trips(void) {
    uint64_t sum = 0;
    struct actor *server = actor_new(serve_ten, ACTOR_PRIORITY, 0);
    actor_go(server);
    for (uint64_t i = 0; i < 10; i++) {
        struct ipc_registers call = {.target = session, .tag = TAG(TEST_METHOD, 4), .words = {i, 0, 0, i * i}};
        must(system_call(SYS_CALL, &call), "calling");
        sum = sum * 31 + call.words[1] + call.tag;
    }
    for (int i = 0; i < 8; i++)
        sum = sum * 31 + server->values[i];
    actor_free(server);
    return sum;
}

static void test_fast_path(void) {
    set_up();
    uint64_t plain = round_trips(), calls = 0;
    must(kernel_trace_start(SLOT_KERNEL, TRACE_CLASS_IPC, 0), "tracing");
    check_value(round_trips(), plain, "traced round trips do what others do");
    must(kernel_trace_start(SLOT_KERNEL, 0, 0), "no tracing");
    for (uint64_t number = 0; number < ring->written; number++)
        calls += record(number)->event == TRACE_EVENT_CALL && record(number)->code == TEST_METHOD;
    check_value(calls, 10, "and each is recorded");
    check_value(round_trips(), plain, "afterwards they do it as well");
    tear_down();
}

static void test_classes(void) {
    set_up();
    must(kernel_trace_start(SLOT_KERNEL, TRACE_CLASS_OBJECT | TRACE_CLASS_MAP | TRACE_CLASS_FAULT, 0), "tracing");
    cap_t page = new_memory(PAGE);
    volatile char *place = map_memory(page, PAGE, MAP_FLAG_READ | MAP_FLAG_WRITE);
    *place = 1;
    unmap(place, PAGE);
    slot_release(page);
    must(kernel_trace_start(SLOT_KERNEL, TRACE_CLASS_SCHEDULE | TRACE_CLASS_INTERRUPT, 0), "tracing others");
    uint64_t middle = ring->written;
    check(has(0, TRACE_EVENT_CREATE, CAP_MEMORY) && has(0, TRACE_EVENT_END, CAP_MEMORY), "an object's beginning and end");
    check(has(0, TRACE_EVENT_MAP, MAP_FLAG_READ | MAP_FLAG_WRITE) && has(0, TRACE_EVENT_UNMAP, 0), "a mapping");
    check(has(0, TRACE_EVENT_FAULT, 14) && !has(0, TRACE_EVENT_SWITCH, 0) && !has(0, TRACE_EVENT_INVOKE, METHOD_PROCESS_MAP),
          "a fault, and nothing that was not asked for");
    sleep_for(2 * MILLISECOND);
    must(kernel_trace_start(SLOT_KERNEL, 0, 0), "no tracing");
    check(find(middle, TRACE_EVENT_SWITCH, 0, 0) != UINT64_MAX &&
              find(middle, TRACE_EVENT_SWITCH, serial_of(SLOT_THREAD), 0) != UINT64_MAX,
          "the processor idles and goes on");
    check(has(middle, TRACE_EVENT_WAKE, 0), "since somebody was woken");
    bool interrupted = false;
    for (uint64_t number = middle; number < ring->written; number++)
        interrupted = interrupted || record(number)->event == TRACE_EVENT_INTERRUPT;
    check(interrupted, "by an interrupt");
    must(kernel_trace_start(SLOT_KERNEL, TRACE_CLASS_IPC, 0), "tracing");
    cap_t notification = new_notification();
    uint64_t bits = 0;
    struct ipc_registers signal = {.target = notification, .tag = 6};
    must(system_call(SYS_SIGNAL, &signal), "a signal");
    must(notification_poll(notification, &bits), "taking it");
    must(kernel_trace_start(SLOT_KERNEL, 0, 0), "no tracing");
    check(bits == 6 && has(middle, TRACE_EVENT_SIGNAL, 0), "a signal is seen");
    slot_release(notification);
    tear_down();
}

static void test_samples(void) {
    set_up();
    check_error(kernel_trace_start(SLOT_KERNEL, TRACE_CLASS_SAMPLE, 0), ERR_INVALID, "samples need a rate");
    check_error(kernel_trace_start(SLOT_KERNEL, TRACE_CLASS_IPC, 100), ERR_INVALID, "and a rate needs samples");
    check_error(kernel_trace_start(SLOT_KERNEL, TRACE_CLASS_SAMPLE, 1000000), ERR_INVALID, "of bounds");
    must(kernel_trace_start(SLOT_KERNEL, TRACE_CLASS_SAMPLE, 10000), "sampling");
    for (uint64_t end = clock_monotonic() + 2 * MILLISECOND; clock_monotonic() < end;)
        __builtin_ia32_pause();
    struct thread_information information;
    for (uint64_t end = clock_monotonic() + 2 * MILLISECOND; clock_monotonic() < end;)
        must(thread_information(SLOT_THREAD, &information), "entering the kernel");
    must(kernel_trace_start(SLOT_KERNEL, 0, 0), "no samples");
    uint64_t written = ring->written, own = 0, kernel = 0, callers = 0;
    for (uint64_t number = 0; number < written && number < RECORDS; number++) {
        own +=
            record(number)->event == TRACE_EVENT_SAMPLE && !record(number)->code && record(number)->thread == information.serial;
        kernel += record(number)->event == TRACE_EVENT_SAMPLE && record(number)->code && record(number)->value < 1 << 24;
        callers += record(number)->event == TRACE_EVENT_FRAMES;
    }
    check(own >= 10 && own <= 60, "user code is sampled at the rate that was asked for");
    check(kernel >= 3, "and the kernel, by offsets");
    check(callers >= own, "with those who called");
    for (uint64_t end = clock_monotonic() + MILLISECOND; clock_monotonic() < end;)
        __builtin_ia32_pause();
    check_value(ring->written, written, "and no more when it is off");
    tear_down();
}

static void test_wrap(void) {
    set_up();
    must(kernel_trace_start(SLOT_KERNEL, TRACE_CLASS_IPC, 0), "tracing");
    struct thread_information information;
    for (int i = 0; i < 3 * RECORDS; i++)
        must(thread_information(SLOT_THREAD, &information), "an event");
    must(kernel_trace_start(SLOT_KERNEL, 0, 0), "no tracing");
    uint64_t written = ring->written, good = 0;
    for (uint64_t number = written - RECORDS; number < written - 2; number++)
        good += record(number)->event == TRACE_EVENT_INVOKE && record(number)->code == METHOD_THREAD_INFORMATION &&
                (number + RECORDS == written || record(number)->time < record(number + 1)->time);
    check(written >= 3 * RECORDS && ring->records == RECORDS && good >= RECORDS - 5,
          "the newest records take the oldest ones' places");
    tear_down();
}

static void trace_for_ever(struct actor *actor) {
    actor->result = kernel_trace_ring(SLOT_KERNEL, 0, RING_BYTES, &memory);
    if (!actor->result)
        actor->result = kernel_trace_start(SLOT_KERNEL, TRACE_CLASS_IPC | TRACE_CLASS_OBJECT | TRACE_CLASS_SCHEDULE, 0);
    shared->words[0] = (uint64_t)(actor->result == ERR_OK);
    for (;;)
        __builtin_ia32_pause();
}

static void test_death(void) {
    set_up();
    must(kernel_trace_start(SLOT_KERNEL, TRACE_CLASS_IPC, 0), "tracing");
    slot_release(memory);
    uint64_t written = ring->written;
    (void)serial_of(SLOT_THREAD);
    check_value(ring->written, written, "recording ends with the last capability");
    check_error(kernel_trace_start(SLOT_KERNEL, TRACE_CLASS_IPC, 0), ERR_INVALID, "there is no ring any more");
    must(kernel_trace_ring(SLOT_KERNEL, 0, RING_BYTES, &memory), "another ring");
    tear_down();
    shared->words[0] = 0;
    struct actor *tracer = actor_new_process(trace_for_ever, 10, SLOT_ACCOUNT);
    must(process_install(tracer->process, SLOT_KERNEL, 0, SLOT_KERNEL), "the kernel's capability");
    actor_go(tracer);
    sleep_for(5 * MILLISECOND);
    check(shared->words[0] == 1, "another process traces");
    check_error(kernel_trace_ring(SLOT_KERNEL, 0, RING_BYTES, &memory), ERR_BUSY, "its ring is in use");
    must(process_destroy(tracer->process), "its end");
    actor_free(tracer);
    (void)free_bytes();
    check_error(kernel_trace_start(SLOT_KERNEL, TRACE_CLASS_IPC, 0), ERR_INVALID, "tracing ends with the tracer");
    must(kernel_trace_ring(SLOT_KERNEL, 0, RING_BYTES, &memory), "and its place is free");
    slot_release(memory);
}

void test_trace(void) {
    test_who();
    test_call();
    test_fast_path();
    test_classes();
    test_samples();
    test_wrap();
    test_death();
}
