// Messages: calls, answers, capabilities, lent buffers, notifications. Each case makes its partner, measures,
// and ends it.
#include "programs/ipcbench/suite.h"

#include <stddef.h>

#include "libipc/client/call.h"
#include "kernel/abi/methods.h"
#include "programs/ipcbench/partner.h"

// A call as the generated stubs make it, four words there and four back.
static inline error_t call_four_words(cap_t session, uint64_t *words) {
    static const struct ipc_shape shape = {.method = METHOD_PEER, .words_in = 4, .words_out = 4};
    return ipc_call_short(session, &shape, words);
}

enum stretch { STRETCH_ALL, STRETCH_CALL, STRETCH_REPLY };

static error_t measure_calls(struct partner *partner, struct series *series, enum stretch stretch) {
    error_t error = ERR_OK;
    while (!error && series_wants(series)) {
        uint64_t words[MESSAGE_REGISTER_WORDS] = {1, 2, 3, 4};
        uint64_t start = measure_now();
        error = call_four_words(partner->session, words);
        uint64_t end = measure_now();
        if (stretch == STRETCH_CALL)
            end = partner->shared->time;
        else if (stretch == STRETCH_REPLY)
            start = words[0]; // when the partner was about to answer
        series_add(series, start, end);
    }
    return error;
}

static error_t call_case(const struct bench *bench, struct series *series, bool in_process, enum stretch stretch) {
    struct partner partner;
    error_t error = partner_make(&partner, bench->code, in_process);
    if (!error)
        error = partner_start(&partner, stretch == STRETCH_ALL ? peer_answer : peer_answer_time, bench->priority);
    if (!error)
        error = measure_calls(&partner, series, stretch);
    partner_end(&partner);
    return error;
}

static error_t call_reply_cross_process(const struct bench *bench, struct series *series) {
    return call_case(bench, series, false, STRETCH_ALL);
}
static error_t call_cross_process(const struct bench *bench, struct series *series) {
    return call_case(bench, series, false, STRETCH_CALL);
}
static error_t reply_cross_process(const struct bench *bench, struct series *series) {
    return call_case(bench, series, false, STRETCH_REPLY);
}
static error_t call_reply_same_process(const struct bench *bench, struct series *series) {
    return call_case(bench, series, true, STRETCH_ALL);
}

static error_t call_reply_cap(const struct bench *bench, struct series *series) {
    static const struct ipc_shape shape = {.method = METHOD_PEER, .caps_in = 1, .caps_required = 1};
    struct partner partner;
    error_t error = partner_make(&partner, bench->code, false);
    if (!error)
        error = partner_start(&partner, peer_take_cap, bench->priority);
    while (!error && series_wants(series)) {
        uint64_t words[MESSAGE_REGISTER_WORDS] = {0};
        struct ipc_extras extras = {.caps = {partner.notification}};
        uint64_t start = measure_now();
        error = ipc_call(partner.session, &shape, words, &extras);
        series_add(series, start, measure_now());
    }
    partner_end(&partner);
    return error;
}

static _Alignas(4096) char buffer[PARTNER_BUFFER_BYTES], other_buffer[PARTNER_BUFFER_BYTES];

// What the processor itself needs to move so many bytes, by the instruction that the kernel uses too. The
// least of many.
static uint64_t move_ticks(uint32_t length) {
    uint64_t best = UINT64_MAX;
    for (int run = 0; run < 32; run++) {
        void *to = buffer;
        const void *from = other_buffer;
        uint64_t words = length / 8, start = measure_now();
        __asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
        uint64_t ticks = measure_now() - start;
        best = ticks < best ? ticks : best;
    }
    return best;
}

static error_t lent_read(const struct bench *bench, struct series *series, uint32_t length) {
    static const struct ipc_shape shape = {.method = METHOD_PEER, .words_out = 1, .writes_max = PARTNER_BUFFER_BYTES};
    struct partner partner;
    error_t error = partner_make(&partner, bench->code, false);
    if (!error) {
        partner.shared->length = length;
        error = partner_start(&partner, peer_lend, bench->priority);
    }
    while (!error && series_wants(series)) {
        uint64_t words[MESSAGE_REGISTER_WORDS] = {0};
        struct ipc_extras extras = {.write_address = buffer, .write_size = length};
        uint64_t start = measure_now();
        error = ipc_call(partner.session, &shape, words, &extras);
        series_add(series, start, measure_now());
        if (!error && words[0] != length)
            error = ERR_IO;
    }
    partner_end(&partner);
    series->excluded = move_ticks(length) - bench->measure.overhead;
    return error;
}

static error_t lent_read_4k(const struct bench *bench, struct series *series) {
    return lent_read(bench, series, 4096);
}
static error_t lent_read_64k(const struct bench *bench, struct series *series) {
    return lent_read(bench, series, 65536);
}

static error_t move_bytes(struct series *series, uint32_t length) {
    while (series_wants(series)) {
        void *to = buffer;
        const void *from = other_buffer;
        uint64_t words = length / 8, start = measure_now();
        __asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
        series_add(series, start, measure_now());
    }
    return ERR_OK;
}
static error_t move_4k(const struct bench *bench, struct series *series) {
    (void)bench;
    return move_bytes(series, 4096);
}
static error_t move_64k(const struct bench *bench, struct series *series) {
    (void)bench;
    return move_bytes(series, 65536);
}

static error_t signal_empty_slot(const struct bench *bench, struct series *series) {
    (void)bench;
    while (series_wants(series)) {
        uint64_t start = measure_now();
        error_t error = notification_signal(0, 1);
        series_add(series, start, measure_now());
        if (error != ERR_BAD_CAPABILITY)
            return ERR_PROTOCOL;
    }
    return ERR_OK;
}

static error_t signal_wake(const struct bench *bench, struct series *series) {
    struct partner partner;
    error_t error = partner_make(&partner, bench->code, false);
    if (!error)
        error = partner_start(&partner, peer_wait, bench->priority + 1); // so that it runs when it is woken
    while (!error && series_wants(series)) {
        uint64_t start = measure_now();
        error = notification_signal(partner.notification, 1);
        series_add(series, start, partner.shared->time);
    }
    partner_end(&partner);
    return error;
}

const struct bench_case bench_call_cases[] = {
    {"call_reply_cross_process_4w", SPAN_ROUND_TRIP, 1,
     "call and reply with four words each between two processes, by the generated stub", call_reply_cross_process},
    {"call_cross_process_4w", SPAN_ONE_WAY, 1, "the call alone: until the server's next instruction", call_cross_process},
    {"reply_cross_process_4w", SPAN_ONE_WAY, 1, "the reply alone: until the caller has it", reply_cross_process},
    {"call_reply_same_process_4w", SPAN_ROUND_TRIP, 1, "as the first, between two threads of one process",
     call_reply_same_process},
    {"call_reply_cross_process_1cap", SPAN_ROUND_TRIP, 1, "a call that copies one capability, and its reply", call_reply_cap},
    {"lent_read_4k", SPAN_ROUND_TRIP, 1, "a call whose server fills 4 KiB of the caller's buffer, less move_4k", lent_read_4k},
    {"lent_read_64k", SPAN_ROUND_TRIP, 4, "a call whose server fills 64 KiB of the caller's buffer, less move_64k",
     lent_read_64k},
    {"move_4k", SPAN_WHOLE, 1, "moving 4 KiB by rep movsq, as the kernel does", move_4k},
    {"move_64k", SPAN_WHOLE, 4, "moving 64 KiB by rep movsq", move_64k},
    {"signal_empty_slot", SPAN_WHOLE, 1, "the cheapest kernel entry: signal on an empty slot", signal_empty_slot},
    {"signal_wake_cross_process", SPAN_ONE_WAY, 1, "signal to a thread of another process that waits: until its next instruction",
     signal_wake},
};
const unsigned bench_call_case_count = sizeof(bench_call_cases) / sizeof(bench_call_cases[0]);
