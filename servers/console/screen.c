// The framebuffer that the loader set up, and when it is drawn: output that keeps coming at most every 16 ms,
// what comes after a pause at once; and never so often that drawing takes more than a part of the time. The bell reverses the
// screen for a moment; after a while without a key nothing is shown.
#include <string.h>

#include "drivers/framework/archive.h"
#include "kernel/abi/capability.h"
#include "libipc/client/clock.h"
#include "libipc/client/slot.h"
#include "libipc/protocols/kernel.h"
#include "libipc/protocols/memory.h"
#include "libipc/protocols/process.h"
#include "libipc/server/timer.h"
#include "libipc/start/start.h"
#include "servers/console/font.h"
#include "servers/console/state.h"

enum { PAGE = 4096, KIND_PIXELS = 1, KIND_TEXT = 2, TEXT_ROWS = 25, TEXT_COLUMNS = 80, WRITE_COMBINING = 1 };

#define DRAW_INTERVAL  (16 * UINT64_C(1000000))
#define DRAW_SHARE     UINT64_C(6) // the pause after drawing, in times of what it took
#define BLINK_TIME     (500 * UINT64_C(1000000))
#define FLASH_TIME     (60 * UINT64_C(1000000))
#define BLANK_INTERVAL (15 * 60 * UINT64_C(1000000000))

static struct renderer renderer;
static struct timer draw_timer, flash_timer, blank_timer, blink_timer;
static uint64_t drawn_at, draw_interval = DRAW_INTERVAL;
static bool flashing, blank, unlit;
static bool is_unknown; // what the screen shows: it is drawn as a whole

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

// All glyphs, where they lie in the archive that was booted from. Without them there are those of the program.
static error_t map_font(void) {
    cap_t initrd = startup_capability("font");
    uint64_t length, address;
    const char *file;
    size_t bytes;
    error_t error = memory_information(initrd, &length, NULL, NULL);
    if (error == ERR_OK)
        error = process_map(SLOT_SELF, 0, length, 0, MAP_FLAG_READ, initrd, &address);
    if (error == ERR_OK)
        error = archive_find((const char *)(uintptr_t)address, length, "share/console.font", &file, &bytes);
    return error == ERR_OK ? font_use(file, bytes) : error;
}

static error_t allocate_shown(void) {
    void *memory = NULL;
    error_t error = console_allocate_scratch((uint64_t)renderer.rows * renderer.columns * sizeof(struct cell), &memory);
    renderer.shown = memory;
    return error;
}

// Rows and columns that the framebuffer and the engine can hold.
static error_t choose_size(const struct framebuffer *screen) {
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
    return renderer.rows == 0 || renderer.columns == 0 ? ERR_NO_DEVICE : ERR_OK;
}

uint32_t screen_rows(void) {
    return renderer.rows;
}

uint32_t screen_columns(void) {
    return renderer.columns;
}

bool screen_picture_size(uint64_t *width, uint64_t *height) {
    *width = (uint64_t)renderer.columns * FONT_WIDTH;
    *height = (uint64_t)renderer.rows * FONT_HEIGHT;
    return console.has_screen && !renderer.text;
}

void screen_picture_line(uint64_t line, uint8_t *rgb) {
    const volatile uint32_t *pixels =
        (const volatile uint32_t *)((const volatile uint8_t *)renderer.memory + line * renderer.pitch);
    for (uint32_t i = 0; i < renderer.columns * FONT_WIDTH; i++) {
        uint32_t pixel = pixels[i];
        *rgb++ = (uint8_t)(pixel >> renderer.red_position);
        *rgb++ = (uint8_t)(pixel >> renderer.green_position);
        *rgb++ = (uint8_t)(pixel >> renderer.blue_position);
    }
}

bool screen_is_blank(void) {
    return blank;
}

static void draw(void);

static void blink_expired(struct timer *timer) {
    (void)timer;
    unlit = !unlit;
    draw();
}

// The timer runs only while something blinks.
static void draw(void) {
    struct engine *engine = screens_front();
    struct renderer_view view = {0};
    timer_clear(&draw_timer);
    drawn_at = clock_monotonic();
    if (engine == NULL || !console.terminals[console.state->front].shown)
        return;
    if ((engine->modes & MODE_SYNCHRONIZED) && !blank)
        return; // the program says when it is complete
    if (is_unknown) {
        renderer_forget(&renderer);
        engine_dirty(engine);
        is_unknown = false;
    }
    screens_view(console.state->front, &view);
    view.flash = flashing;
    view.blank = blank;
    view.unlit = unlit;
    renderer_draw(&renderer, engine, &view);
    uint64_t took = clock_monotonic() - drawn_at;
    draw_interval = DRAW_SHARE * took > DRAW_INTERVAL ? DRAW_SHARE * took : DRAW_INTERVAL;
    drawn_at += took;
    if (blank || !renderer_blinks(&renderer, engine))
        unlit = false;
    else if (!blink_timer.armed)
        timer_set(&blink_timer, drawn_at + BLINK_TIME, blink_expired);
}

static void draw_expired(struct timer *timer) {
    (void)timer;
    draw();
}

void screen_show(void) {
    struct engine *engine = console.has_screen ? screens_front() : NULL;
    if (engine == NULL)
        return;
    is_unknown = true;
    draw();
}

void screen_resumed(void) {
    if (!console.has_screen)
        return;
    is_unknown = true;
    timer_set(&draw_timer, clock_monotonic() + DRAW_INTERVAL, draw_expired);
}

void screen_changed(uint32_t unit) {
    if (unit != console.state->front)
        return;
    uint64_t now = clock_monotonic();
    if (now == 0 || now >= drawn_at + draw_interval)
        draw();
    else if (!draw_timer.armed)
        timer_set(&draw_timer, drawn_at + draw_interval, draw_expired);
}

static void flash_expired(struct timer *timer) {
    (void)timer;
    flashing = false;
    draw();
}

void screen_flash(uint32_t unit) {
    if (unit != console.state->front || flashing)
        return;
    flashing = true;
    timer_set(&flash_timer, clock_monotonic() + FLASH_TIME, flash_expired);
    screen_changed(unit);
}

static void blank_expired(struct timer *timer) {
    (void)timer;
    blank = true;
    draw();
}

void screen_wake(void) {
    if (!console.has_screen)
        return;
    unlit = false; // who types sees the cursor
    timer_set(&blank_timer, clock_monotonic() + BLANK_INTERVAL, blank_expired);
    if (!blank)
        return;
    blank = false;
    draw();
}

error_t screen_start(void) {
    struct framebuffer screen;
    error_t error = kernel_framebuffer(SLOT_KERNEL, &screen);
    if (error == ERR_OK)
        error = choose_size(&screen);
    if (error == ERR_OK)
        error = map_framebuffer(&screen, (uint64_t)renderer.pitch * (renderer.text ? TEXT_ROWS : screen.height));
    if (error == ERR_OK)
        error = allocate_shown();
    if (error != ERR_OK)
        return error;
    if (!renderer.text && map_font() != ERR_OK)
        console_warn("console: there is no font but the program's own");
    console.has_screen = true;
    const struct window_size size = {.rows = (uint16_t)renderer.rows,
                                     .columns = (uint16_t)renderer.columns,
                                     .width = (uint16_t)(renderer.text ? 0 : renderer.columns * FONT_WIDTH),
                                     .height = (uint16_t)(renderer.text ? 0 : renderer.rows * FONT_HEIGHT)};
    for (uint32_t unit = 0; unit < SCREENS; unit++)
        console.terminals[unit].state->window = size;
    if (console.terminals[console.state->front].shown)
        screen_show();
    return ERR_OK;
}
