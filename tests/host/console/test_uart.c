// The serial port on a model of the chip: FIFOs of 16 bytes, interrupts as a level.
#include <stdlib.h>
#include <string.h>

#include "drivers/serial/uart16550/device.h"
#include "drivers/serial/uart16550/registers.h"
#include "tests/host/cmocka_test.h"
#include "tests/host/console/model_ports.h"

enum { PORT = 0x3f8, CAUSE_EMPTIED = 1 << 1 };

static struct {
    uint8_t received[16], sent[1 << 17], line_control, interrupts, divisor;
    uint32_t received_count, sent_count, fifo, overruns, reads;
    bool emptied; // it interrupts to say that the FIFO is empty
} chip;

static uint8_t read_port(uint16_t port) {
    chip.reads++;
    if (port == PORT + UART_LINE_STATUS)
        return (uint8_t)((chip.received_count > 0 ? UART_STATUS_RECEIVED : 0) |
                         (chip.fifo == 0 ? UART_STATUS_SEND_EMPTY | UART_STATUS_IDLE : 0));
    if (port == PORT + UART_INTERRUPT_CAUSE) {
        bool emptied = chip.emptied;
        chip.emptied = false;
        return emptied ? CAUSE_EMPTIED : UART_CAUSE_NONE;
    }
    if (port != PORT + UART_DATA || chip.received_count == 0)
        return 0;
    uint8_t byte = chip.received[0];
    memmove(chip.received, chip.received + 1, --chip.received_count);
    return byte;
}

static void write_port(uint16_t port, uint8_t value) {
    bool divisor = chip.line_control & UART_DIVISOR_ACCESS;
    if (port == PORT + UART_LINE_CONTROL)
        chip.line_control = value;
    else if (port == PORT + UART_DATA && divisor)
        chip.divisor = value;
    else if (port == PORT + UART_INTERRUPT_ENABLE && !divisor)
        chip.interrupts = value;
    else if (port == PORT + UART_FIFO_CONTROL && (value & UART_FIFO_CLEAR_RECEIVED))
        chip.received_count = 0;
    else if (port == PORT + UART_DATA) {
        assert_true(chip.fifo < UART_FIFO_BYTES); // else a byte is lost
        chip.fifo++;
        chip.sent[chip.sent_count++] = value;
    }
}

static void receive(uint8_t byte) {
    if (chip.received_count == sizeof(chip.received))
        chip.overruns++;
    else
        chip.received[chip.received_count++] = byte;
}

static struct uart_state state;
static struct uart uart;

static void start(bool again) {
    memset(&chip, 0, sizeof(chip));
    if (!again)
        memset(&state, 0, sizeof(state));
    model_read = read_port;
    model_write = write_port;
    uart_start(&uart, PORT, &state);
}

static void queue(const uint8_t *bytes, uint32_t count) {
    for (uint32_t i = 0; i < count; i++)
        state.output.bytes[state.output.tail++ % UART_QUEUE_BYTES] = bytes[i];
}

static void test_start(void **unused) {
    (void)unused;
    start(false);
    assert_int_equal(chip.divisor, 1);
    assert_int_equal(chip.line_control, UART_EIGHT_BITS);
    assert_int_equal(chip.interrupts, UART_ENABLE_RECEIVED);
}

static void test_send(void **unused) {
    (void)unused;
    static uint8_t bytes[10000];
    for (uint32_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * 7);
    start(false);
    queue(bytes, sizeof(bytes));
    uint32_t services = 0;
    while (byte_queue_filled(&state.output) > 0) {
        uart_service(&uart);
        if (byte_queue_filled(&state.output) > 0)
            assert_true(chip.interrupts & UART_ENABLE_SENT);
        assert_false(uart_is_idle(&uart));
        chip.fifo = 0; // sent
        services++;
    }
    assert_int_equal(services, sizeof(bytes) / 16);
    assert_int_equal(chip.sent_count, sizeof(bytes));
    assert_memory_equal(chip.sent, bytes, sizeof(bytes));
    assert_true(uart_is_idle(&uart));
    uart_service(&uart);
    assert_false(chip.interrupts & UART_ENABLE_SENT);
}

// What init counts: an interrupt without any of these had no cause.
static void test_cause(void **unused) {
    (void)unused;
    start(false);
    (void)uart_had_cause(&uart);
    uart_service(&uart);
    assert_false(uart_had_cause(&uart));
    receive(1);
    uart_service(&uart);
    uart_service(&uart); // an interrupt that comes after a service which it was for
    assert_true(uart_had_cause(&uart));
    assert_false(uart_had_cause(&uart));
    queue((const uint8_t *)"x", 1);
    uart_service(&uart);
    assert_true(uart_had_cause(&uart));
    chip.emptied = true;
    uart_service(&uart);
    assert_true(uart_had_cause(&uart));
    uart_service(&uart);
    assert_false(uart_had_cause(&uart));
    while (byte_queue_room(&state.input) > 0)
        state.input.tail++;
    receive(2); // there is no room for it: no interrupt is wanted
    uart_service(&uart);
    assert_false(uart_had_cause(&uart));
}

static void test_receive(void **unused) {
    (void)unused;
    start(false);
    for (uint32_t i = 0; i < UART_QUEUE_BYTES; i++) {
        receive((uint8_t)i);
        uart_service(&uart);
    }
    assert_int_equal(byte_queue_filled(&state.input), UART_QUEUE_BYTES);
    assert_false(chip.interrupts & UART_ENABLE_RECEIVED);
    receive(1); // stays in the chip
    uart_service(&uart);
    assert_int_equal(chip.received_count, 1);
    state.input.head++;
    uart_service(&uart);
    assert_int_equal(chip.received_count, 0);
    assert_int_equal(chip.overruns, 0);
    for (uint32_t at = state.input.head; at + 1 != state.input.tail; at++)
        assert_int_equal(state.input.bytes[at % UART_QUEUE_BYTES], (uint8_t)at);
}

static void test_restart(void **unused) {
    (void)unused;
    start(false);
    queue((const uint8_t *)"hello", 5);
    receive('x');
    uart_service(&uart);
    chip.fifo = UART_FIFO_BYTES; // nothing can be sent now
    queue((const uint8_t *)"world", 5);
    uint8_t waiting = 'y';
    start(true);
    assert_int_equal(chip.sent_count, 5);
    assert_memory_equal(chip.sent, "world", 5);
    assert_int_equal(byte_queue_filled(&state.input), 1);
    receive(waiting);
    uart_service(&uart);
    assert_int_equal(byte_queue_filled(&state.input), 2);
    state.output.tail += 2 * UART_QUEUE_BYTES; // a state that can't be
    start(true);
    assert_int_equal(byte_queue_filled(&state.output), 0);
}

static void test_runs(void **unused) {
    (void)unused;
    uint8_t *bytes;
    struct byte_queue *queue_under_test = &state.input;
    queue_under_test->head = queue_under_test->tail = (uint32_t)-4;
    assert_int_equal(byte_queue_room_run(queue_under_test, &bytes), 4);
    queue_under_test->tail += 10;
    assert_int_equal(byte_queue_filled_run(queue_under_test, &bytes), 4);
    assert_ptr_equal(bytes, &queue_under_test->bytes[UART_QUEUE_BYTES - 4]);
    queue_under_test->head += 4;
    assert_int_equal(byte_queue_filled_run(queue_under_test, &bytes), 6);
    assert_ptr_equal(bytes, queue_under_test->bytes);
    assert_int_equal(byte_queue_room(queue_under_test), UART_QUEUE_BYTES - 6);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_start),   cmocka_unit_test(test_send),
                                       cmocka_unit_test(test_cause),   cmocka_unit_test(test_receive),
                                       cmocka_unit_test(test_restart), cmocka_unit_test(test_runs)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
