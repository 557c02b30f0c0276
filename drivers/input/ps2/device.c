// See device.h. Waits for the controller are bounded by a count of port reads, each of which takes about a
// microsecond on real hardware; they happen at the start and before single bytes of commands only.
#include "drivers/input/ps2/device.h"

#include "drivers/framework/port.h"
#include "drivers/input/ps2/registers.h"

enum { POLLS = 100000, FLUSH_BYTES = 64, RESENDS_MAX = 3 };

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

error_t ps2_start(struct ps2 *ps2, uint16_t data_port, uint16_t status_port, bool is_restart) {
    uint8_t configuration;
    *ps2 = (struct ps2){.data_port = data_port, .status_port = status_port};
    if (!is_restart) {
        if (!controller_command(ps2, PS2_DISABLE_FIRST) || !controller_command(ps2, PS2_DISABLE_SECOND))
            return ERR_NO_DEVICE;
        flush(ps2);
        error_t error = test(ps2);
        if (error != ERR_OK)
            return error;
        if (!read_configuration(ps2, &configuration))
            return ERR_NO_DEVICE;
        configuration |= PS2_CONFIGURATION_INTERRUPT_FIRST | PS2_CONFIGURATION_TRANSLATE;
        configuration &= (uint8_t) ~(PS2_CONFIGURATION_INTERRUPT_SECOND | PS2_CONFIGURATION_DISABLE_FIRST);
        if (!write_configuration(ps2, configuration) || !controller_command(ps2, PS2_ENABLE_FIRST))
            return ERR_NO_DEVICE;
        ps2->commands[ps2->command_count++] = KEYBOARD_ENABLE;
    }
    ps2_command(ps2, KEYBOARD_SET_LEDS, 0);
    return ERR_OK;
}

static void send_next(struct ps2 *ps2) {
    if (!ps2->sending && ps2->command_count > 0)
        ps2->sending = write_data(ps2, ps2->commands[0]);
}

static void drop_first(struct ps2 *ps2) {
    ps2->sending = false;
    ps2->resends = 0;
    if (ps2->command_count > 0)
        ps2->command_count--;
    for (uint32_t i = 0; i < ps2->command_count; i++)
        ps2->commands[i] = ps2->commands[i + 1];
}

// True: the byte was the answer to a command.
static bool answer(struct ps2 *ps2, uint8_t byte) {
    if (!ps2->sending || (byte != KEYBOARD_ACKNOWLEDGE && byte != KEYBOARD_RESEND))
        return byte == KEYBOARD_ACKNOWLEDGE || byte == KEYBOARD_RESEND;
    ps2->sending = false;
    if (byte == KEYBOARD_ACKNOWLEDGE || ++ps2->resends > RESENDS_MAX)
        drop_first(ps2);
    send_next(ps2);
    return true;
}

bool ps2_read(struct ps2 *ps2, uint8_t *byte) {
    for (;;) {
        uint8_t status = port_read8(ps2->status_port);
        if (!(status & PS2_STATUS_OUTPUT_FULL))
            return false;
        *byte = port_read8(ps2->data_port);
        if (!(status & PS2_STATUS_AUXILIARY) && !answer(ps2, *byte))
            return true;
    }
}

void ps2_command(struct ps2 *ps2, uint8_t command, uint8_t argument) {
    if (ps2->command_count + 2 > PS2_COMMAND_BYTES)
        return;
    ps2->commands[ps2->command_count++] = command;
    ps2->commands[ps2->command_count++] = argument;
    send_next(ps2);
}

// Bits 5 and 6: 250 ms for each step of the delay. Bits 0 to 4: the interval is (8 + low 3 bits) * 2^(upper 2
// bits) * 4.17 ms.
uint8_t ps2_repeat_byte(uint64_t delay, uint64_t interval) {
    uint64_t delay_step = delay == 0 || delay > 1000 ? 3 : (delay + 249) / 250 - 1, best = 0,
             best_off = UINT64_MAX;
    for (uint64_t code = 0; code < 32; code++) {
        uint64_t microseconds = (8 + (code & 7)) * (UINT64_C(1) << (code >> 3)) * 4170,
                 wanted = interval * 1000;
        uint64_t off = microseconds > wanted ? microseconds - wanted : wanted - microseconds;
        if (off < best_off) {
            best_off = off;
            best = code;
        }
    }
    return (uint8_t)(delay_step << 5 | best);
}
