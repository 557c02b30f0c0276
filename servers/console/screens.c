// The screens: an engine each, made when it is used first, with its history, and what is seen of it. One of
// them is in front; the others go on unseen.
#include <string.h>

#include "kernel/abi/capability.h"
#include "libipc/client/slot.h"
#include "libipc/kept/undo.h"
#include "libipc/protocols/account.h"
#include "libipc/protocols/process.h"
#include "servers/console/pointer.h"
#include "servers/console/state.h"

struct screen {
    struct engine engine;
    struct renderer_view view;
    struct cell *spare;  // as large as `cells`: where they go when the size changes next; NULL: not made yet
    struct cell cells[]; // of both screens of the engine; behind them the history
};

static struct screen *screens[SCREENS];

static void reply(void *context, const char *bytes, size_t count) {
    terminal_input(context, bytes, count);
}

static void changing(void *context, const void *memory, size_t bytes) {
    (void)context;
    kept_note(memory, bytes);
}

static void bell(void *context) {
    screen_flash(((struct terminal *)context)->unit);
}

static void clipboard(void *context, const char *text, size_t length) {
    (void)context;
    pointer_set_clipboard(text, length);
}

static const struct engine_events engine_events = {.reply = reply, .bell = bell, .clipboard = clipboard, .changing = changing};

void *console_allocate(uint64_t bytes) {
    const uint64_t page = 4096;
    uint64_t address;
    cap_t memory;
    bytes = (bytes + page - 1) / page * page;
    if (account_create_memory(SLOT_ACCOUNT, bytes, &memory) != ERR_OK)
        return NULL;
    error_t error = kept_map(memory, bytes, &address);
    slot_release(memory); // the mapping stays
    return error == ERR_OK ? (void *)(uintptr_t)address : NULL;
}

error_t console_allocate_scratch(uint64_t bytes, void **result) {
    const uint64_t page = 4096;
    uint64_t address;
    cap_t memory;
    bytes = (bytes + page - 1) / page * page;
    error_t error = account_create_memory(SLOT_ACCOUNT, bytes, &memory);
    if (error != ERR_OK)
        return error;
    error = process_map(SLOT_SELF, 0, bytes, 0, MAP_FLAG_READ | MAP_FLAG_WRITE, memory, &address);
    slot_release(memory);
    *result = (void *)(uintptr_t)address;
    return error;
}

static struct screen *screen_make(uint32_t unit) {
    uint32_t rows = screen_rows(), columns = screen_columns();
    size_t cells = (size_t)rows * columns;
    struct screen *screen = console_allocate(sizeof(*screen) + 2 * cells * sizeof(struct cell) + HISTORY_BYTES);
    if (screen == NULL)
        return NULL;
    // Nothing of it is used if this is not committed: no need to note what it was.
    engine_initialize(&screen->engine, screen->cells, screen->cells + cells, rows, columns, screen->cells + 2 * cells,
                      HISTORY_BYTES, &engine_events, &console.terminals[unit]);
    return screen;
}

struct engine *screens_engine(uint32_t unit) {
    return screens[unit] != NULL ? &screens[unit]->engine : NULL;
}

static struct screen *screen_of(uint32_t unit) {
    if (screens[unit] == NULL && console.has_screen)
        screens[unit] = screen_make(unit);
    return screens[unit];
}

error_t screens_make(uint32_t unit, struct engine **engine, struct renderer_view **view) {
    struct screen *screen = screen_of(unit);
    if (screen == NULL)
        return console.has_screen ? ERR_NO_MEMORY : ERR_NO_DEVICE;
    *engine = &screen->engine;
    *view = &screen->view;
    return ERR_OK;
}

struct engine *screens_front(void) {
    struct screen *screen = screen_of(console.state->front);
    return screen != NULL ? &screen->engine : NULL;
}

void screens_view(uint32_t unit, struct renderer_view *view) {
    if (screens[unit] != NULL)
        *view = screens[unit]->view;
}

struct renderer_view *screens_front_view(void) {
    return &screens[console.state->front]->view;
}

void screens_put(uint32_t unit, const char *bytes, size_t count) {
    struct screen *screen = screen_of(unit);
    if (screen == NULL)
        return;
    uint64_t pushed = screen->engine.history.pushed;
    screen->view.selected = false; // the text below it may be another now
    engine_write(&screen->engine, bytes, count);
    if (screen->view.back != 0) { // who looks back goes on seeing the same lines
        uint64_t back = screen->view.back + (screen->engine.history.pushed - pushed);
        screen->view.back = back < screen->engine.history.lines ? (uint32_t)back : screen->engine.history.lines;
    }
    screen_changed(unit);
}

error_t screens_resize(uint32_t unit, uint32_t rows, uint32_t columns) {
    size_t most = (size_t)screen_rows() * screen_columns();
    struct screen *screen = screen_of(unit);
    if (screen == NULL || rows == 0 || columns == 0 || rows > screen_rows() || columns > screen_columns())
        return ERR_INVALID;
    struct engine *engine = &screen->engine;
    if (screen->spare == NULL)
        screen->spare = console_allocate(2 * most * sizeof(struct cell));
    if (screen->spare == NULL)
        return ERR_NO_MEMORY;
    struct cell *now = engine->screens[0].cells;
    engine_resize(engine, screen->spare, screen->spare + most, rows, columns);
    screen->spare = now;
    screen->view.back = 0;
    screen->view.selected = false;
    screen_changed(unit);
    return ERR_OK;
}

void screens_scroll(int32_t lines) {
    struct screen *screen = screen_of(console.state->front);
    if (screen == NULL)
        return;
    int64_t back = (int64_t)screen->view.back + lines, most = screen->engine.history.lines;
    if (screen->engine.modes & MODE_ALTERNATE)
        most = 0;
    uint32_t wanted = (uint32_t)(back < 0 ? 0 : back > most ? most : back);
    if (wanted == screen->view.back)
        return;
    screen->view.back = wanted;
    engine_dirty(&screen->engine);
    screen_changed(console.state->front);
}

// Programs that want to know (mode 1004) are told whether their screen is seen.
static void tell_focus(uint32_t unit, char final) {
    const char report[] = {'\033', '[', final};
    if (screens[unit] != NULL && (screens[unit]->engine.modes & MODE_FOCUS))
        terminal_input(&console.terminals[unit], report, sizeof(report));
}

// A screen that nobody has taken is given a line, so that whoever waits there starts something.
void screens_switch(uint32_t unit) {
    struct terminal *terminal = &console.terminals[unit];
    if (unit >= SCREENS || unit == console.state->front || !console.has_screen)
        return;
    tell_focus(console.state->front, 'O');
    console.state->front = unit;
    tell_focus(unit, 'I');
    terminal_show(terminal);
    screen_show();
    if (terminal->state->session == 0)
        terminal_input(terminal, "\r", 1);
}
