// See answers.h. Order of stores: the entry, then the queue's position. An actor can end between any two.
#include "drivers/serial/uart16550/answers.h"

#include <stddef.h>

#define barrier() __asm__ volatile("" : : : "memory")

void answers_settle(struct serial_answers *answers, const struct uart_state *state) {
    for (uint32_t i = 0; i < ANSWERS_MAX; i++) {
        struct serial_answer *answer = &answers->of[i];
        uint32_t end = answer->position + (answer->is_write != 0 ? 0 : answer->bytes);
        uint32_t reached = answer->is_write != 0 ? state->output.tail : state->input.head;
        if (answer->thread == 0 || (int32_t)(reached - end) >= 0)
            continue;
        answer->bytes -= answer->last;
        if (answer->is_write != 0)
            answer->position -= answer->last;
        answer->last = 0;
    }
}

struct serial_answer *answers_find(struct serial_answers *answers, uint64_t thread, uint64_t count) {
    for (uint32_t i = 0; i < ANSWERS_MAX; i++)
        if (answers->of[i].thread == thread && answers->of[i].count == count)
            return &answers->of[i];
    return NULL;
}

struct serial_answer *answers_begin(struct serial_answers *answers, uint64_t thread, uint64_t count, bool is_write) {
    struct serial_answer *answer = &answers->of[answers->next % ANSWERS_MAX];
    answer->thread = 0;
    barrier();
    answers->next++;
    answer->bytes = answer->last = 0;
    answer->is_write = is_write;
    answer->count = count;
    barrier();
    answer->thread = thread;
    return answer;
}

void answers_step(struct serial_answer *answer, const struct uart_state *state, uint32_t bytes) {
    uint32_t position = answer->is_write != 0 ? state->output.tail + bytes : answer->position;
    if (answer->is_write == 0 && answer->bytes == 0)
        position = state->input.head;
    answer->position = position; // an entry of zero bytes says nothing yet
    answer->last = bytes;
    barrier();
    answer->bytes += bytes;
    barrier();
}
