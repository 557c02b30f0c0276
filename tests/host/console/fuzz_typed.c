// libFuzzer: any keys on any layout, their bytes typed at a line discipline with any settings, and what comes
// out of it. The keymap reader gets the data as a layout, too.
#include <stdlib.h>
#include <string.h>

#include "servers/console/keyboard.h"
#include "servers/console/line_discipline.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void echo(void *context, const char *bytes, size_t count) {
    size_t *sum = context;
    for (size_t i = 0; i < count; i++)
        *sum += (uint8_t)bytes[i];
}

static void on_signal(void *context, int signal) {
    (void)context, (void)signal;
}

static void on_flow(void *context, bool stopped) {
    (void)context, (void)stopped;
}

static void on_flush(void *context) {
    (void)context;
}

static void settings_from(const uint8_t *data, struct terminal_attributes *settings) {
    memcpy(&settings->input, data, 4);
    memcpy(&settings->local, data + 4, 4);
    memcpy(&settings->output, data + 8, 4);
    memcpy(settings->characters, data + 12, 20);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const struct line_events events = {.echo = echo, .signal = on_signal, .flow = on_flow, .flush_output = on_flush};
    static struct line_discipline line;
    static struct keyboard keyboard;
    _Alignas(8) struct keymap layout = {0};
    size_t sum = 0, consumed;
    char bytes[256];
    memcpy(&layout, data, size < sizeof(layout) ? size : sizeof(layout));
    const struct keymap *found = keymap_find(&layout, sizeof(layout));
    if (size < 40)
        return 0;
    keyboard_initialize(&keyboard, found != NULL ? found : &keymaps[data[0] % keymap_count]);
    line_initialize(&line, &events, &sum);
    struct terminal_attributes settings = line.settings;
    if (data[1] & 1) {
        settings_from(data + 2, &settings);
        line_set(&line, &settings);
    }
    for (size_t at = 34; at + 1 < size; at += 2) {
        size_t count = keyboard_key(&keyboard, data[at], data[at + 1] & 1, data[at + 1] & 2, data[at + 1], bytes);
        if (count > KEYBOARD_BYTES)
            abort();
        line_input(&line, bytes, count);
        if (data[at + 1] & 4)
            line_input(&line, (const char *)data + at, 2);
        if (data[at + 1] & 8) {
            count = line_peek(&line, bytes, sizeof(bytes));
            if (count > line_available(&line))
                abort();
            line_consume(&line, count);
        }
        if ((data[at + 1] & 0x70) == 0x70)
            line_set(&line, &settings);
        count = line_output(&line, (const char *)data + at, 2, &consumed, bytes, data[at] % 32);
        if (count > (size_t)(data[at] % 32) || consumed > 2)
            abort();
    }
    return 0;
}
