// See device.h. Waits for the controller are bounded by a count of port reads, each of which takes about a
// microsecond on real hardware; they happen at the start and before single bytes of commands only.
#include "drivers/input/ps2/device.h"

#include <stddef.h>

#include "drivers/framework/port.h"
#include "drivers/input/ps2/registers.h"

enum { POLLS = 100000, FLUSH_BYTES = 64, RESENDS_MAX = 3, REPEAT_DEFAULT = 0x2b };

static bool wait_status(const struct ps2 *ps2, uint8_t bit, bool set) {
    for (uint32_t i = 0; i < POLLS; i++)
        if (((port_read8(ps2->status_port) & bit) != 0) == set)
            return true;
    return false;
}

static bool controller_command(const struct ps2 *ps2, uint8_t command) {
    if (!wait_status(ps2, PS2_STATUS_INPUT_FULL, false))
        return false;
    port_write8(ps2->status_port, command);
    return true;
}

static bool controller_answer(const struct ps2 *ps2, uint8_t *answer) {
    if (!wait_status(ps2, PS2_STATUS_OUTPUT_FULL, true))
        return false;
    *answer = port_read8(ps2->data_port);
    return true;
}

static bool write_data(const struct ps2 *ps2, uint8_t byte) {
    if (!wait_status(ps2, PS2_STATUS_INPUT_FULL, false))
        return false;
    port_write8(ps2->data_port, byte);
    return true;
}

static bool read_configuration(const struct ps2 *ps2, uint8_t *configuration) {
    return controller_command(ps2, PS2_READ_CONFIGURATION) && controller_answer(ps2, configuration);
}

static bool write_configuration(const struct ps2 *ps2, uint8_t configuration) {
    return controller_command(ps2, PS2_WRITE_CONFIGURATION) && write_data(ps2, configuration);
}

static void flush(const struct ps2 *ps2) {
    for (uint32_t i = 0; i < FLUSH_BYTES && (port_read8(ps2->status_port) & PS2_STATUS_OUTPUT_FULL); i++)
        (void)port_read8(ps2->data_port);
}

static error_t test(const struct ps2 *ps2) {
    uint8_t answer;
    if (!controller_command(ps2, PS2_SELF_TEST) || !controller_answer(ps2, &answer))
        return ERR_NO_DEVICE;
    if (answer != PS2_SELF_TEST_PASSED)
        return ERR_IO;
    if (!controller_command(ps2, PS2_TEST_FIRST) || !controller_answer(ps2, &answer))
        return ERR_NO_DEVICE;
    return answer == PS2_TEST_PASSED ? ERR_OK : ERR_IO;
}

// A controller without a second port does not answer its test.
static bool test_second(const struct ps2 *ps2) {
    uint8_t answer;
    return controller_command(ps2, PS2_TEST_SECOND) && controller_answer(ps2, &answer) && answer == PS2_TEST_PASSED;
}

static void send_next(struct ps2 *ps2, enum ps2_port port) {
    struct ps2_queue *queue = &ps2->queues[port];
    if (queue->sending || queue->command_count == 0)
        return;
    if (port == PS2_MOUSE && !controller_command(ps2, PS2_TO_SECOND))
        return;
    queue->sending = write_data(ps2, queue->commands[0]);
}

static void queue_bytes(struct ps2 *ps2, enum ps2_port port, const uint8_t *bytes, uint32_t count) {
    struct ps2_queue *queue = &ps2->queues[port];
    if (queue->command_count + count > PS2_COMMAND_BYTES)
        return;
    for (uint32_t i = 0; i < count; i++)
        queue->commands[queue->command_count++] = bytes[i];
    send_next(ps2, port);
}

// Ports on, interrupts on, and scan codes translated to set 1, if the controller can.
static error_t configure(struct ps2 *ps2) {
    uint8_t configuration;
    if (!read_configuration(ps2, &configuration))
        return ERR_NO_DEVICE;
    configuration |= PS2_CONFIGURATION_INTERRUPT_FIRST | PS2_CONFIGURATION_TRANSLATE;
    configuration &= (uint8_t) ~(PS2_CONFIGURATION_INTERRUPT_SECOND | PS2_CONFIGURATION_DISABLE_FIRST);
    if (ps2->has_mouse) {
        configuration |= PS2_CONFIGURATION_INTERRUPT_SECOND;
        configuration &= (uint8_t)~PS2_CONFIGURATION_DISABLE_SECOND;
    }
    if (!write_configuration(ps2, configuration) || !read_configuration(ps2, &configuration))
        return ERR_NO_DEVICE;
    ps2->set2 = (configuration & PS2_CONFIGURATION_TRANSLATE) == 0;
    if (ps2->has_mouse && !controller_command(ps2, PS2_ENABLE_SECOND))
        return ERR_NO_DEVICE;
    return controller_command(ps2, PS2_ENABLE_FIRST) ? ERR_OK : ERR_NO_DEVICE;
}

static void set_up_mouse(struct ps2 *ps2) {
    static const uint8_t bytes[] = {MOUSE_DEFAULTS, MOUSE_SET_RATE, 200, MOUSE_SET_RATE, 100, MOUSE_SET_RATE, 80,
                                    MOUSE_IDENTIFY, MOUSE_ENABLE};
    queue_bytes(ps2, PS2_MOUSE, bytes, sizeof(bytes));
}

error_t ps2_start(struct ps2 *ps2, uint16_t data_port, uint16_t status_port, const struct ps2 *before) {
    static const uint8_t enable[] = {KEYBOARD_ENABLE};
    struct ps2 fresh = {.data_port = data_port, .status_port = status_port, .repeat = REPEAT_DEFAULT};
    if (before != NULL) {
        fresh.leds = before->leds;
        fresh.repeat = before->repeat;
        fresh.has_mouse = before->has_mouse;
        fresh.has_wheel = before->has_wheel;
        fresh.set2 = before->set2;
    }
    *ps2 = fresh;
    if (before == NULL) {
        if (!controller_command(ps2, PS2_DISABLE_FIRST) || !controller_command(ps2, PS2_DISABLE_SECOND))
            return ERR_NO_DEVICE;
        flush(ps2);
        error_t error = test(ps2);
        if (error != ERR_OK)
            return error;
        ps2->has_mouse = test_second(ps2);
        error = configure(ps2);
        if (error != ERR_OK)
            return error;
        queue_bytes(ps2, PS2_KEYBOARD, enable, sizeof(enable));
        if (ps2->has_mouse)
            set_up_mouse(ps2);
    }
    ps2_command(ps2, KEYBOARD_SET_LEDS, ps2->leds);
    return ERR_OK;
}

void ps2_plugged(struct ps2 *ps2, enum ps2_port port) {
    static const uint8_t enable[] = {KEYBOARD_ENABLE};
    ps2->queues[port] = (struct ps2_queue){0};
    if (port == PS2_MOUSE) {
        ps2->identifying = ps2->has_wheel = false;
        set_up_mouse(ps2);
        return;
    }
    queue_bytes(ps2, PS2_KEYBOARD, enable, sizeof(enable));
    ps2_command(ps2, KEYBOARD_SET_LEDS, ps2->leds);
    if (ps2->repeat != REPEAT_DEFAULT)
        ps2_command(ps2, KEYBOARD_SET_REPEAT, ps2->repeat);
}

static void drop_first(struct ps2_queue *queue) {
    queue->sending = false;
    queue->resends = 0;
    if (queue->command_count > 0)
        queue->command_count--;
    for (uint32_t i = 0; i < queue->command_count; i++)
        queue->commands[i] = queue->commands[i + 1];
}

// True: the byte was the answer to a command. 0xfa and 0xfe are no scan codes, but may be data of a mouse.
static bool answer(struct ps2 *ps2, enum ps2_port port, uint8_t byte) {
    struct ps2_queue *queue = &ps2->queues[port];
    if (port == PS2_MOUSE && ps2->identifying) {
        ps2->identifying = false;
        ps2->has_wheel = byte >= MOUSE_ID_WHEEL;
        send_next(ps2, port);
        return true;
    }
    if (byte != PS2_ACKNOWLEDGE && byte != PS2_RESEND)
        return false;
    if (!queue->sending)
        return port == PS2_KEYBOARD;
    queue->sending = false;
    if (byte == PS2_ACKNOWLEDGE || ++queue->resends > RESENDS_MAX) {
        // Its number follows before anything else may be sent.
        ps2->identifying = port == PS2_MOUSE && byte == PS2_ACKNOWLEDGE && queue->commands[0] == MOUSE_IDENTIFY;
        drop_first(queue);
    }
    if (port != PS2_MOUSE || !ps2->identifying)
        send_next(ps2, port);
    return true;
}

bool ps2_read(struct ps2 *ps2, enum ps2_port *port, uint8_t *byte) {
    for (;;) {
        uint8_t status = port_read8(ps2->status_port);
        if (!(status & PS2_STATUS_OUTPUT_FULL))
            return false;
        *byte = port_read8(ps2->data_port);
        *port = status & PS2_STATUS_AUXILIARY ? PS2_MOUSE : PS2_KEYBOARD;
        if (!answer(ps2, *port, *byte))
            return true;
    }
}

void ps2_command(struct ps2 *ps2, uint8_t command, uint8_t argument) {
    const uint8_t bytes[] = {command, argument};
    if (command == KEYBOARD_SET_LEDS)
        ps2->leds = argument;
    else if (command == KEYBOARD_SET_REPEAT)
        ps2->repeat = argument;
    queue_bytes(ps2, PS2_KEYBOARD, bytes, sizeof(bytes));
}

// Bits 5 and 6: 250 ms for each step of the delay. Bits 0 to 4: the interval is (8 + low 3 bits) * 2^(upper 2
// bits) * 4.17 ms.
uint8_t ps2_repeat_byte(uint64_t delay, uint64_t interval) {
    uint64_t delay_step = delay == 0 || delay > 1000 ? 3 : (delay + 249) / 250 - 1, best = 0, best_off = UINT64_MAX;
    for (uint64_t code = 0; code < 32; code++) {
        uint64_t microseconds = (8 + (code & 7)) * (UINT64_C(1) << (code >> 3)) * 4170, wanted = interval * 1000;
        uint64_t off = microseconds > wanted ? microseconds - wanted : wanted - microseconds;
        if (off < best_off) {
            best_off = off;
            best = code;
        }
    }
    return (uint8_t)(delay_step << 5 | best);
}
