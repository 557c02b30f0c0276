// libFuzzer: any bytes on any small screen keep the engine's invariants and its history whole, what changes
// is announced, and the renderer draws within its framebuffer. The first two bytes choose the size; of the
// rest, every 64 bytes, one may choose another.
#include <stdlib.h>
#include <string.h>

#include "servers/console/renderer.h"
#include "tests/host/console/terminal_harness.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct harness harness;
    if (size < 2)
        return 0;
    unsigned rows = 1 + data[0] % 12, columns = 1 + data[1] % 20;
    harness_start(&harness, rows, columns);
    static struct renderer renderer;
    renderer = (struct renderer){.pitch = columns * 32, .red_position = 16, .green_position = 8};
    renderer.rows = rows;
    renderer.columns = columns;
    renderer.memory = malloc((size_t)rows * 16 * renderer.pitch);
    renderer.shown = calloc((size_t)rows * columns, sizeof(struct cell));
    for (size_t at = 2; at < size; at += 64) {
        harness_write_watched(&harness, (const char *)data + at, size - at < 64 ? size - at : 64);
        if (!harness_sound(&harness) || harness.unannounced || !history_sound(&harness.engine.history))
            abort();
        if (data[at] == 0xff) { // no text begins so
            harness_resize(&harness, 1 + data[at] / 2 % 12, 1 + data[0] / 3 % 20);
            if (!harness_sound(&harness))
                abort();
            harness_resize(&harness, rows, columns);
        }
        const struct renderer_view view = {
            .back = data[at] % 3, .selected = data[at] & 1, .last_row = data[at] % 5, .last_column = 3};
        renderer_draw(&renderer, &harness.engine, &view);
    }
    free((void *)(uintptr_t)renderer.memory);
    free(renderer.shown);
    harness_end(&harness);
    return 0;
}
