// The screen's terminal device: the framebuffer that the loader set up, the engine in state memory, and when
// to draw. Output that keeps coming is drawn at most every 16 ms; what comes after a pause is drawn at once.
#include <string.h>

#include "kernel/abi/capability.h"
#include "libipc/client/clock.h"
#include "libipc/client/slot.h"
#include "libipc/kept/undo.h"
#include "libipc/protocols/account.h"
#include "libipc/protocols/kernel.h"
#include "libipc/protocols/process.h"
#include "libipc/server/timer.h"
#include "servers/console/font.h"
#include "servers/console/renderer.h"
#include "servers/console/state.h"

enum { PAGE = 4096, KIND_PIXELS = 1, KIND_TEXT = 2, TEXT_ROWS = 25, TEXT_COLUMNS = 80, WRITE_COMBINING = 1 };

#define DRAW_INTERVAL (16 * UINT64_C(1000000))

static struct renderer renderer;
static struct timer draw_timer;
static uint64_t drawn_at;

static void reply(void *context, const char *bytes, size_t count) {
    terminal_input(context, bytes, count);
}

static void changing(void *context, const void *memory, size_t bytes) {
    (void)context;
    kept_note(memory, bytes);
}

static const struct engine_events engine_events = {.reply = reply, .changing = changing};

static error_t map_framebuffer(const struct framebuffer *screen, uint64_t bytes) {
    cap_t memory;
    uint64_t start = screen->address & ~(uint64_t)(PAGE - 1), offset = screen->address - start, address;
    uint64_t length = (offset + bytes + PAGE - 1) & ~(uint64_t)(PAGE - 1);
    error_t error = kernel_device_memory(SLOT_KERNEL, start, length, WRITE_COMBINING, &memory);
    if (error != ERR_OK)
        return error;
    error = process_map(SLOT_SELF, 0, length, 0, MAP_FLAG_READ | MAP_FLAG_WRITE, memory, &address);
    slot_release(memory); // the mapping stays
    renderer.memory = (volatile uint8_t *)address + offset;
    return error;
}

static error_t allocate_shown(void) {
    uint64_t address, bytes = (uint64_t)renderer.rows * renderer.columns * sizeof(struct cell);
    bytes = (bytes + PAGE - 1) & ~(uint64_t)(PAGE - 1);
    cap_t memory;
    error_t error = account_create_memory(SLOT_ACCOUNT, bytes, &memory);
    if (error != ERR_OK)
        return error;
    error = process_map(SLOT_SELF, 0, bytes, 0, MAP_FLAG_READ | MAP_FLAG_WRITE, memory, &address);
    slot_release(memory);
    renderer.shown = (struct cell *)address;
    return error;
}

// Rows and columns that the framebuffer, the engine and the state memory can hold.
static error_t choose_size(const struct framebuffer *screen, uint64_t room) {
    if (screen->kind == KIND_TEXT) {
        renderer.text = true;
        renderer.rows = TEXT_ROWS;
        renderer.columns = TEXT_COLUMNS;
    } else if (screen->kind == KIND_PIXELS && screen->bits_per_pixel == 32 && screen->pitch % 8 == 0) {
        renderer.rows = screen->height / FONT_HEIGHT;
        renderer.columns = screen->width / FONT_WIDTH;
    } else {
        return ERR_NO_DEVICE;
    }
    renderer.pitch = screen->pitch != 0 ? screen->pitch : TEXT_COLUMNS * 2;
    renderer.red_position = (uint8_t)screen->red_position;
    renderer.green_position = (uint8_t)screen->green_position;
    renderer.blue_position = (uint8_t)screen->blue_position;
    if (renderer.columns > ENGINE_COLUMNS_MAX)
        renderer.columns = ENGINE_COLUMNS_MAX;
    if (renderer.rows > ENGINE_ROWS_MAX)
        renderer.rows = ENGINE_ROWS_MAX;
    if (renderer.columns != 0 && renderer.rows > room / (2 * sizeof(struct cell) * renderer.columns))
        renderer.rows = (uint32_t)(room / (2 * sizeof(struct cell) * renderer.columns));
    return renderer.rows == 0 || renderer.columns == 0 ? ERR_NO_DEVICE : ERR_OK;
}

static void open_engine(bool is_restart) {
    struct console_state *state = console.state;
    struct terminal *terminal = &console.terminals[TERMINAL_SCREEN];
    struct cell *main_cells = state->cells,
                *alternate = state->cells + (size_t)renderer.rows * renderer.columns;
    bool same = state->rows == renderer.rows && state->columns == renderer.columns;
    if (!is_restart || !same || state->engine.rows != state->rows ||
        state->engine.columns != state->columns ||
        !engine_attach(&state->engine, main_cells, alternate, NULL, &engine_events, terminal))
        engine_initialize(&state->engine, main_cells, alternate, renderer.rows, renderer.columns, NULL, 0,
                          &engine_events, terminal);
    state->rows = renderer.rows;
    state->columns = renderer.columns;
}

error_t screen_start(uint64_t room, bool is_restart) {
    struct framebuffer screen;
    error_t error = kernel_framebuffer(SLOT_KERNEL, &screen);
    if (error == ERR_OK)
        error = choose_size(&screen, room);
    if (error == ERR_OK)
        error =
            map_framebuffer(&screen, (uint64_t)renderer.pitch * (renderer.text ? TEXT_ROWS : screen.height));
    if (error == ERR_OK)
        error = allocate_shown();
    if (error != ERR_OK)
        return error;
    open_engine(is_restart);
    console.has_screen = true;
    const struct window_size size = {.rows = (uint16_t)renderer.rows,
                                     .columns = (uint16_t)renderer.columns,
                                     .width = (uint16_t)(renderer.text ? 0 : renderer.columns * FONT_WIDTH),
                                     .height = (uint16_t)(renderer.text ? 0 : renderer.rows * FONT_HEIGHT)};
    console.terminals[TERMINAL_SCREEN].state->window = size;
    if (console.terminals[TERMINAL_SCREEN].shown)
        screen_show();
    return ERR_OK;
}

static void draw(void) {
    timer_clear(&draw_timer);
    static const struct renderer_view plain;
    renderer_draw(&renderer, &console.state->engine, &plain);
    drawn_at = clock_monotonic();
}

static void draw_expired(struct timer *timer) {
    (void)timer;
    draw();
}

void screen_show(void) {
    if (!console.has_screen)
        return;
    renderer_forget(&renderer);
    engine_dirty(&console.state->engine);
    draw();
}

void screen_put(const char *bytes, size_t count) {
    if (!console.has_screen)
        return;
    engine_write(&console.state->engine, bytes, count);
    uint64_t now = clock_monotonic();
    if (now == 0 || now >= drawn_at + DRAW_INTERVAL)
        draw();
    else if (!draw_timer.armed)
        timer_set(&draw_timer, drawn_at + DRAW_INTERVAL, draw_expired);
}
