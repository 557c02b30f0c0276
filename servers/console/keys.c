// The keyboard's end of console: a ring of events that its driver fills, in memory that console owns, so that
// it outlives an actor of either. Keys go to the screen's terminal.
#include <stddef.h>
#include <string.h>

#include "kernel/abi/capability.h"
#include "libipc/client/clock.h"
#include "libipc/client/slot.h"
#include "libipc/include/pages.h"
#include "libipc/protocols/account.h"
#include "libipc/protocols/input.h"
#include "libipc/protocols/kernel.h"
#include "libipc/protocols/process.h"
#include "libipc/transfer/ring.h"
#include "servers/console/pointer.h"
#include "servers/console/state.h"

enum { EVENTS = 256, RETRY_NANOSECONDS = 200 * 1000 * 1000 };

static struct ring ring;

static void send_leds(void *argument) {
    error_t ignored = input_set_leds(console.input, (uint64_t)(uintptr_t)argument);
    (void)ignored; // lights only
}

static void act(const struct keyboard *keyboard) {
    int32_t page = (int32_t)screen_rows() / 2;
    switch (keyboard->action) {
    case ACTION_SCREEN:
        screens_switch(keyboard->value);
        break;
    case ACTION_NEXT:
        screens_switch((console.state->front + 1) % SCREENS);
        break;
    case ACTION_PREVIOUS:
        screens_switch((console.state->front + SCREENS - 1) % SCREENS);
        break;
    case ACTION_PAGE_UP:
        screens_scroll(page);
        break;
    case ACTION_PAGE_DOWN:
        screens_scroll(-page);
        break;
    case ACTION_PASTE:
        pointer_paste();
        break;
    default:
        break;
    }
}

// "keymap=NAME" on the kernel's command line.
static const struct keymap *chosen_keymap(void) {
    static char line[1025];
    static const char option[] = "keymap=";
    uint64_t count;
    const struct keymap *found = NULL;
    if (kernel_command_line(SLOT_KERNEL, line, sizeof(line) - 1, &count) != ERR_OK)
        return &keymaps[0];
    for (const char *at = line; *at != 0 && found == NULL; at += at[0] == ' ') {
        if (strncmp(at, option, sizeof(option) - 1) == 0)
            found = keymap_find(at + sizeof(option) - 1, strcspn(at + sizeof(option) - 1, " "));
        at += strcspn(at, " ");
    }
    return found != NULL ? found : &keymaps[0];
}

static void key(const struct input_event *event) {
    char bytes[KEYBOARD_BYTES];
    struct keyboard *keyboard = &console.state->keyboard;
    uint8_t locks = keyboard->locks;
    const struct engine *engine = console.has_screen ? screens_front() : NULL;
    screen_wake();
    if (event->kind != INPUT_KIND_KEY) {
        pointer_event(event);
        return;
    }
    size_t count = keyboard_key(keyboard, event->code, event->state != KEY_STATE_UP, event->state == KEY_STATE_REPEAT,
                                engine != NULL ? engine->modes : 0, bytes);
    if (keyboard->locks != locks) {
        error_t ignored = fiber_start(send_leds, (void *)(uintptr_t)keyboard->locks);
        (void)ignored;
    }
    act(keyboard);
    if (count == 0)
        return;
    screens_scroll(INT32_MIN); // back to what is typed at
    if (engine != NULL)
        pointer_hide(screens_front_view());
    terminal_input(&console.terminals[console.state->front], bytes, count);
}

static void keys_arrived(void *argument, uint32_t bit) {
    (void)argument;
    (void)bit;
    struct input_event event;
    if (ring.shared == NULL)
        return;
    do {
        while (ring_pop(&ring, &event) == ERR_OK)
            key(&event);
        bool ignored = ring_release(&ring); // the driver drops what finds no room, it does not wait
        (void)ignored;
    } while (!ring.broken && !ring_sleep(&ring));
}

// The ring of an actor before is gone on with: it may hold keys.
static error_t open_ring(void) {
    uint64_t address, bytes = (ring_bytes(EVENTS, sizeof(struct input_event)) + 4095) / 4096 * 4096;
    error_t error = ERR_OK;
    if (console.state->keys == 0)
        error = account_create_memory(SLOT_ACCOUNT, bytes, &console.state->keys);
    if (error == ERR_OK)
        error = process_map(SLOT_SELF, 0, bytes, 0, MAP_FLAG_READ | MAP_FLAG_WRITE, console.state->keys, &address);
    if (error == ERR_OK)
        pages_touch((void *)address, bytes); // NOLINT(performance-no-int-to-ptr)
    if (error == ERR_OK)
        error = ring_attach_consumer(&ring, (void *)address, bytes, EVENTS, sizeof(struct input_event));
    return error;
}

static void attach(void *argument) {
    (void)argument;
    while (input_attach(console.input, EVENTS, UINT64_C(1) << BIT_KEYS, console.state->keys, console.server.notification) !=
           ERR_OK) {
        error_t ignored = fiber_sleep_until(clock_monotonic() + RETRY_NANOSECONDS);
        (void)ignored;
    }
    if (console.state->keyboard.locks != 0) // another build of this program may have ended before it could say so
        send_leds((void *)(uintptr_t)console.state->keyboard.locks);
    keys_arrived(NULL, BIT_KEYS);
}

error_t keys_start(void) {
    if (console.input == 0)
        return ERR_OK;
    if (console.state->keyboard.keymap.magic[0] == 0)
        keyboard_initialize(&console.state->keyboard, chosen_keymap());
    server_on_bit(&console.server, BIT_KEYS, keys_arrived, NULL);
    error_t error = open_ring();
    return error != ERR_OK ? error : fiber_start(attach, NULL);
}
