// One of the two stacks goes on as another: through records, with new memory for all. See wire.h.
#include "servers/net/stack/records.h"
#include "tests/host/net/wire.h"

enum { FIRST_BYTES = 64 * 1024 };

static const struct link_ops *link;
static void *context;
static bool reads_files;

static error_t attach(struct interface *interface) {
    interface->ops = link;
    interface->context = context;
    interface->fills_sums = interface->reads_files = reads_files;
    return ERR_OK;
}

static error_t give(struct stack *stack, struct socket **sockets[], uint32_t *numbers, uint32_t count,
                    struct handover *handover) {
    uint32_t last = 0;
    error_t error = stack_give(stack, handover);
    for (uint32_t i = 0; i < count && error == ERR_OK; i++)
        if (*sockets[i] != NULL)
            error = stack_socket_give(*sockets[i], handover, &last, &numbers[i]);
    return error == ERR_OK ? stack_orphans_give(stack, handover, &last) : error;
}

// What is in no table of connections.
static void forget_socket(struct stack *stack, struct socket *socket) {
    if (socket->kind == SOCKET_STREAM && tcp_of(socket)->is_entered)
        return;
    if (socket->kind == SOCKET_STREAM)
        ring_buffer_free(stack, &tcp_of(socket)->receive);
    while (socket->first != NULL)
        stack_socket_drop(socket);
    stack_free(stack, socket, socket->kind == SOCKET_STREAM ? sizeof(struct tcp) : sizeof(*socket));
}

// Without a word to the peer.
static void forget(struct stack *stack, struct socket **sockets[], uint32_t count) {
    for (uint32_t i = 0; i < count; i++)
        if (*sockets[i] != NULL)
            forget_socket(stack, *sockets[i]);
    for (uint32_t i = 0; i < CONNECTION_BUCKETS; i++) {
        struct tcp *next;
        for (struct tcp *at = stack->connections[i]; at != NULL; at = next) {
            next = at->next;
            timer_heap_clear(&stack->timers, &at->retransmit_timer);
            timer_heap_clear(&stack->timers, &at->ack_timer);
            timer_heap_clear(&stack->timers, &at->state_timer);
            send_queue_free(stack, &at->send);
            ring_buffer_free(stack, &at->receive);
            stack_free(stack, at, sizeof(*at));
        }
    }
    stack_finish(stack);
    CHECK(stack->memory_used == 0);
    free(stack);
}

void wire_hand_over(int side, struct socket **sockets[], uint32_t count) {
    struct stack *old = wire.stacks[side], *stack = malloc(sizeof(*stack));
    struct taken_sockets taken = {0};
    struct handover handover;
    uint32_t numbers[8] = {0};
    void *memory = NULL;
    error_t error = ERR_NO_SPACE;
    CHECK(count <= 8);
    for (uint64_t bytes = FIRST_BYTES; error != ERR_OK; bytes *= 4) {
        free(memory);
        memory = aligned_alloc(STATE_ALIGNMENT, bytes);
        memset(memory, 0, bytes);
        handover = (struct handover){0};
        CHECK(state_format(&handover.state, memory, bytes, 1) == ERR_OK);
        error = give(old, sockets, numbers, count, &handover);
        CHECK(error == ERR_OK || handover.is_full);
    }
    link = wire.interfaces[side]->ops;
    context = wire.interfaces[side]->context;
    reads_files = wire.interfaces[side]->reads_files;
    forget(old, sockets, count);
    static const uint8_t random[32] = {1};
    CHECK(stack_initialize(stack, random, UINT64_C(64) << 20, wire.now) == ERR_OK);
    wire_set_file_functions(stack);
    CHECK(stack_take(stack, &handover, attach) == ERR_OK);
    CHECK(stack_sockets_take(stack, &handover, &taken) == ERR_OK);
    for (uint32_t i = 0; i < count; i++)
        *sockets[i] = taken_find(&taken, numbers[i]);
    wire.stacks[side] = stack;
    wire.interfaces[side] = &stack->interfaces[1];
    taken_free(&taken);
    free(memory);
}
