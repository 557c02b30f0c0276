// The methods of `input`, and the ring that keys go into.
#include <stddef.h>

#include "drivers/input/ps2/registers.h"
#include "drivers/input/ps2/state.h"
#include "kernel/abi/capability.h"
#include "libipc/client/slot.h"
#include "libipc/client/system_call.h"
#include "libipc/protocols/memory.h"
#include "libipc/protocols/process.h"

static void close_ring(void) {
    if (driver.ring_address != 0) {
        error_t ignored = process_unmap(SLOT_SELF, driver.ring_address, driver.ring_length);
        (void)ignored;
    }
    driver.ring_address = 0;
    driver.ring.shared = NULL;
    slot_release(driver.state->memory);
    slot_release(driver.state->client);
    driver.state->memory = driver.state->client = 0;
}

error_t keyboard_open_ring(void) {
    const struct keyboard_state *state = driver.state;
    error_t error = memory_information(state->memory, &driver.ring_length, NULL, NULL);
    if (error == ERR_OK)
        error =
            process_map(SLOT_SELF, 0, driver.ring_length, 0, MAP_FLAG_READ | MAP_FLAG_WRITE, state->memory, &driver.ring_address);
    if (error == ERR_OK)
        error = state->entries > RING_ENTRIES_MAX
                    ? ERR_INVALID
                    : ring_attach_producer(&driver.ring, (void *)driver.ring_address, driver.ring_length,
                                           (uint32_t)state->entries, sizeof(struct input_event));
    if (error != ERR_OK)
        close_ring();
    return error;
}

void keyboard_deliver(void) {
    struct keyboard_state *state = driver.state;
    uint32_t sent = 0;
    if (driver.ring.shared == NULL)
        return;
    while (sent < state->pending_count && ring_push(&driver.ring, &state->pending[sent]) == ERR_OK)
        sent++;
    if (sent == 0)
        return;
    for (uint32_t i = sent; i < state->pending_count; i++)
        state->pending[i - sent] = state->pending[i];
    state->pending_count -= sent;
    (void)ring_publish(&driver.ring);
    // Always: a signal is cheap, keys are rare, and a restarted client may not have said that it sleeps.
    error_t ignored = notification_signal(state->client, state->bits);
    (void)ignored;
}

static error_t op_attach(struct request *request, const struct input_attach_in *in, struct input_attach_out *out) {
    (void)out;
    struct keyboard_state *state = driver.state;
    close_ring();
    state->memory = request_keep(request, in->ring);
    state->client = request_keep(request, in->client);
    state->entries = in->entries;
    state->bits = in->bits;
    error_t error = keyboard_open_ring();
    if (error == ERR_OK)
        keyboard_deliver();
    return error;
}

static error_t op_set_leds(struct request *request, const struct input_set_leds_in *in, struct input_set_leds_out *out) {
    (void)request;
    (void)out;
    ps2_command(&driver.state->ps2, KEYBOARD_SET_LEDS, in->leds & (LED_SCROLL | LED_NUMBER | LED_CAPITALS));
    return ERR_OK;
}

static error_t op_set_repeat(struct request *request, const struct input_set_repeat_in *in, struct input_set_repeat_out *out) {
    (void)request;
    (void)out;
    if (in->delay > 10000 || in->interval > 10000)
        return ERR_INVALID;
    ps2_command(&driver.state->ps2, KEYBOARD_SET_REPEAT, ps2_repeat_byte(in->delay, in->interval));
    return ERR_OK;
}

static error_t op_information(struct request *request, const struct input_information_in *in, struct input_information_out *out) {
    (void)request;
    if (in->device > DEVICE_MOUSE || (in->device == DEVICE_MOUSE && !driver.state->ps2.has_mouse))
        return ERR_NOT_FOUND;
    out->kind = in->device == DEVICE_MOUSE ? INPUT_DEVICE_KIND_MOUSE : INPUT_DEVICE_KIND_KEYBOARD;
    out->buttons = in->device == DEVICE_MOUSE ? 3 : 0;
    return ERR_OK;
}

const struct input_ops keyboard_input_ops = {
    .attach = op_attach,
    .set_leds = op_set_leds,
    .set_repeat = op_set_repeat,
    .information = op_information,
};
