// The protocol `counter`. Each function is one method: named as in the .idl file, called by the generated
// dispatcher when the message has the right shape.
#include "servers/example/state.h"

#include <string.h>

struct counter counter;

error_t counter_open(void *memory, uint64_t length) {
    struct state_view view;
    error_t error = state_open(&counter.state, memory, length, COUNTER_STATE_VERSION);
    if (error == ERR_CORRUPT) // start cold rather than not at all
        error = state_format(&counter.state, memory, length, COUNTER_STATE_VERSION);
    if (error != ERR_OK)
        return error;
    counter.record = (struct counter_record){0};
    counter.waiters = (struct fiber_wait_queue){0};
    error = state_next(&counter.state, COUNTER_CLASS, 0, &view);
    if (error == ERR_NOT_FOUND)
        return state_create(&counter.state, COUNTER_CLASS, COUNTER_RECORD_VERSION, 0, sizeof(counter.record), &counter.record,
                            sizeof(counter.record), &counter.handle);
    if (error != ERR_OK)
        return error;
    counter.handle = view.record;
    if (view.version == COUNTER_RECORD_VERSION && view.length == sizeof(counter.record))
        memcpy(&counter.record, view.data, sizeof(counter.record));
    counter.record.newest = (counter.record.newest + 1) % COUNTER_ANSWERS;
    return state_commit(&counter.state, counter.handle, COUNTER_RECORD_VERSION, &counter.record, sizeof(counter.record));
}

// The answer that this very request got from an actor that died before it could send it; NULL: it is new.
static const struct counter_answer *answered_before(const struct request *request) {
    for (uint32_t i = 0; i < COUNTER_ANSWERS; i++) {
        const struct counter_answer *answer = &counter.record.answers[i];
        if (answer->number_thread == request->number_thread && answer->number_count == request->number_count)
            return answer;
    }
    return NULL;
}

static error_t counter_add_handler(struct request *request, const struct counter_add_in *in, struct counter_add_out *out) {
    const struct counter_answer *before = answered_before(request);
    if (before != NULL) {
        out->value = before->value;
        return ERR_OK;
    }
    struct counter_record next = counter.record;
    if (__builtin_add_overflow(next.value, in->amount, &next.value))
        return ERR_OVERFLOW;
    next.answers[next.newest] = (struct counter_answer){
        .number_thread = request->number_thread,
        .number_count = request->number_count,
        .value = next.value,
    };
    // The effect, whose it is and the answer, in one step: a crash before it changes nothing, one after it is
    // found above.
    error_t error = state_commit(&counter.state, counter.handle, COUNTER_RECORD_VERSION, &next, sizeof(next));
    if (error != ERR_OK)
        return error;
    counter.record = next;
    out->value = next.value;
    fiber_wake_all(&counter.waiters);
    return ERR_OK;
}

static error_t counter_value_handler(struct request *request, const struct counter_value_in *in, struct counter_value_out *out) {
    (void)request;
    (void)in;
    out->value = counter.record.value;
    return ERR_OK;
}

// The fiber sleeps here, the server goes on serving others. It ends early if its caller gives up.
static error_t counter_wait_handler(struct request *request, const struct counter_wait_in *in, struct counter_wait_out *out) {
    (void)request;
    while (counter.record.value < in->least) {
        error_t error = fiber_wait(&counter.waiters);
        if (error != ERR_OK)
            return error;
    }
    out->value = counter.record.value;
    return ERR_OK;
}

static error_t counter_echo_handler(struct request *request, const struct counter_echo_in *in, struct counter_echo_out *out) {
    char text[COUNTER_ECHO_TEXT_MAX];
    uint64_t length = in->text_size < in->answer_size ? in->text_size : in->answer_size;
    error_t error = request_copy_in(request, 0, text, length);
    if (error != ERR_OK)
        return error;
    for (uint64_t i = 0; i < length; i++)
        if (text[i] >= 'a' && text[i] <= 'z')
            text[i] = (char)(text[i] - 'a' + 'A');
    error = request_copy_out(request, 0, text, length);
    if (error == ERR_OK)
        out->count = length;
    return error;
}

const struct counter_ops counter_ops = {
    .add = counter_add_handler,
    .value = counter_value_handler,
    .wait = counter_wait_handler,
    .echo = counter_echo_handler,
};
