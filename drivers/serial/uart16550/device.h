// The UART and its two queues. The queues lie in state memory, so a byte that was taken from the chip, or
// accepted from a writer, is not lost with an actor. Pure but for the ports. Called by main.c and file_ops.c;
// tested on a model of the chip.
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { UART_QUEUE_BYTES = 16384, UART_STATE_VERSION = 2 }; // a power of two

#define UART_STATE_MAGIC UINT64_C(0x3035353631) // "16550"

// Positions count bytes since the start, modulo 2^32.
struct byte_queue {
    uint32_t head, tail; // bytes taken out, bytes put in
    uint8_t bytes[UART_QUEUE_BYTES];
};

struct uart_state {
    uint64_t magic;
    uint32_t version;
    uint32_t padding;
    struct byte_queue input, output;
};

struct uart {
    uint16_t port;
    uint8_t enabled; // what the interrupt enable register holds
    bool had_cause;
    struct uart_state *state;
};

static inline uint32_t byte_queue_filled(const struct byte_queue *queue) {
    return queue->tail - queue->head;
}
static inline uint32_t byte_queue_room(const struct byte_queue *queue) {
    return UART_QUEUE_BYTES - byte_queue_filled(queue);
}
// The longest piece to take out, or to put in, that lies in one run.
uint32_t byte_queue_filled_run(const struct byte_queue *queue, uint8_t **bytes);
uint32_t byte_queue_room_run(struct byte_queue *queue, uint8_t **bytes);

// Whether it was left by an earlier actor.
bool uart_state_sound(const struct uart_state *state);

// Sets the chip up: 115,200 baud, 8 data bits, no parity, FIFOs on. Keeps queues and received bytes of an
// earlier actor.
void uart_start(struct uart *uart, uint16_t port, struct uart_state *state);

// Moves bytes both ways until the chip has neither one for us nor room for one, or a queue stops it. Then its
// interrupts are on for exactly what can be gone on with.
void uart_service(struct uart *uart);

// Whether the chip had a byte, room or another reason to interrupt at any service since the last question: a writer's service may
// take back what an interrupt was for that comes after.
bool uart_had_cause(struct uart *uart);

// True when the last byte has left the chip.
bool uart_is_idle(const struct uart *uart);
