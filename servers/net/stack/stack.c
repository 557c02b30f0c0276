// See stack.h. Also the loopback link: frames wait in a queue and are taken in by stack_run, so that no input
// ever runs within an output.
#include "servers/net/stack/stack.h"

#include <stdlib.h>

#include "servers/net/stack/ip.h"

enum { LOOPBACK_MTU = 16384, RTO_MINIMUM_MILLISECONDS = 200 };

struct loopback_frame {
    struct loopback_frame *next;
    uint32_t length;
    uint8_t bytes[ETHERNET_HEADER_BYTES + LOOPBACK_MTU];
};

void *stack_allocate_unset(struct stack *stack, uint64_t bytes) {
    if (bytes > stack->memory_limit - stack->memory_used)
        return NULL;
    void *memory = malloc(bytes);
    if (memory != NULL)
        stack->memory_used += bytes;
    return memory;
}

void *stack_allocate(struct stack *stack, uint64_t bytes) {
    void *memory = stack_allocate_unset(stack, bytes);
    return memory != NULL ? memset(memory, 0, bytes) : NULL;
}

void stack_free(struct stack *stack, void *memory, uint64_t bytes) {
    if (memory == NULL)
        return;
    stack->memory_used -= bytes;
    free(memory);
}

uint32_t stack_random(struct stack *stack) {
    stack->random_state++;
    return (uint32_t)siphash(&stack->key, &stack->random_state, sizeof(stack->random_state));
}

bool stack_take_token(struct stack *stack, uint64_t *at, uint32_t *tokens, uint32_t rate) {
    if (stack->now - *at >= NANOSECONDS_PER_SECOND || *at == 0) {
        *at = stack->now;
        *tokens = rate;
    }
    if (*tokens == 0)
        return false;
    (*tokens)--;
    return true;
}

// --- loopback
static uint8_t *loopback_begin(void *context) {
    struct stack *stack = context;
    if (stack->loopback_count >= LOOPBACK_FRAMES_MAX)
        return NULL;
    struct loopback_frame *frame = stack_allocate_unset(stack, sizeof(*frame));
    return frame != NULL ? frame->bytes : NULL;
}

static void loopback_send(void *context, uint8_t *bytes, uint32_t length) {
    struct stack *stack = context;
    struct loopback_frame *frame = (struct loopback_frame *)(void *)(bytes - offsetof(struct loopback_frame, bytes));
    frame->next = NULL;
    frame->length = length;
    if (length == 0) { // given up
        stack_free(stack, frame, sizeof(*frame));
        return;
    }
    if (stack->loopback_last != NULL)
        stack->loopback_last->next = frame;
    else
        stack->loopback_first = frame;
    stack->loopback_last = frame;
    stack->loopback_count++;
}

static struct loopback_frame *loopback_take(struct stack *stack) {
    struct loopback_frame *frame = stack->loopback_first;
    if (frame != NULL) {
        stack->loopback_first = frame->next;
        if (frame->next == NULL)
            stack->loopback_last = NULL;
        stack->loopback_count--;
    }
    return frame;
}

static const struct link_ops loopback_ops = {.frame_begin = loopback_begin, .frame_send = loopback_send};

static error_t loopback_start(struct stack *stack) {
    static const uint8_t no_mac[MAC_BYTES];
    struct interface *interface;
    struct address v4 = address_from_v4(0x7f000001), v6 = {.bytes = {[15] = 1}};
    error_t error = interface_add(stack, "lo", no_mac, LOOPBACK_MTU, &loopback_ops, stack, &interface);
    if (error != ERR_OK)
        return error;
    interface->loopback = true;
    interface_set_up(interface, true);
    interface_set_link(interface, true);
    error = interface_add_address(interface, &v4, ADDRESS_V4_PREFIX + 8);
    return error != ERR_OK ? error : interface_add_address(interface, &v6, 128);
}

// --- life
error_t stack_initialize(struct stack *stack, const uint8_t *random, uint64_t memory_limit, uint64_t now) {
    memset(stack, 0, sizeof(*stack));
    stack->now = now;
    stack->memory_limit = memory_limit;
    memcpy(&stack->key, random, sizeof(stack->key));
    memcpy(&stack->random_state, random + sizeof(stack->key), sizeof(stack->random_state));
    stack->identification = stack_random(stack);
    stack->rto_minimum = RTO_MINIMUM_MILLISECONDS * NANOSECONDS_PER_MILLISECOND;
    return loopback_start(stack);
}

void stack_run(struct stack *stack) {
    struct loopback_frame *frame;
    struct stack_timer *timer;
    while ((timer = timer_heap_take_due(&stack->timers, stack->now)) != NULL)
        timer->expired(stack, timer);
    // Only what waits now: two ends that answer each other at once must not hold the loop up.
    for (uint32_t left = stack->loopback_count; left > 0 && (frame = loopback_take(stack)) != NULL; left--) {
        interface_input(&stack->interfaces[0], frame->bytes, frame->length);
        stack_free(stack, frame, sizeof(*frame));
    }
}

uint64_t stack_next_time(const struct stack *stack) {
    if (stack->loopback_count != 0)
        return stack->now != 0 ? stack->now : 1;
    return stack->timers.root != NULL ? stack->timers.root->at : 0;
}

void stack_finish(struct stack *stack) {
    struct loopback_frame *frame;
    while ((frame = loopback_take(stack)) != NULL)
        stack_free(stack, frame, sizeof(*frame));
    for (uint32_t i = 0; i < INTERFACES_MAX; i++)
        neighbours_flush(&stack->interfaces[i]);
    reassembly_finish(stack);
    ring_buffer_finish(stack);
}
