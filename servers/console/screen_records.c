// The screens as records for another build (libipc/server/handover.h): an engine each, without its pointers, its cells row by
// row, and its history. Blank cells at a row's end are left out. Of what lies over a screen the selection goes. The engine itself
// says whether what was taken is sound.
#include <stddef.h>
#include <string.h>

#include "libipc/server/fiber.h"
#include "servers/console/handover.h"
#include "servers/console/state.h"

enum { HALVES = 2, UNIT_SHIFT = 32, HALF_SHIFT = 16 }; // of a row's key

struct screen_record { // under its unit
    struct engine engine;
    struct renderer_view view;
};

// --- giving ---

static error_t give_row(struct handover *handover, uint64_t key, const struct cell *cells, uint32_t count) {
    static const struct cell blank = {.character = ' '};
    while (count > 0 && memcmp(&cells[count - 1], &blank, sizeof(blank)) == 0)
        count--;
    return count == 0 ? ERR_OK : handover_put(handover, CLASS_ROW, HANDOVER_VERSION, key, cells, count * sizeof(*cells));
}

static error_t give_rows(struct handover *handover, uint32_t unit, const struct engine *engine) {
    error_t error = ERR_OK;
    for (uint64_t half = 0; half < HALVES; half++) {
        const struct cell *cells = engine->screens[half].cells;
        for (uint32_t line = 0; line < engine->rows && error == ERR_OK; line++)
            error = give_row(handover, (uint64_t)unit << UNIT_SHIFT | half << HALF_SHIFT | line,
                             cells + (size_t)line * engine->columns, engine->columns);
    }
    return error;
}

static error_t give_history(struct handover *handover, uint32_t unit, const struct history *history) {
    return ring_give(handover, CLASS_HISTORY, unit, history->bytes, history->size, history->head, history->tail - history->head);
}

static error_t give_screen(struct handover *handover, uint32_t unit, const struct engine *engine) {
    static struct screen_record record;
    record.engine = *engine;
    record.engine.events = NULL;
    record.engine.context = NULL;
    record.engine.screen = NULL;
    record.engine.screens[0].cells = record.engine.screens[1].cells = NULL;
    record.engine.history.bytes = NULL;
    screens_view(unit, &record.view);
    record.view.selected = false;
    error_t error = handover_put(handover, CLASS_SCREEN, HANDOVER_VERSION, unit, &record, sizeof(record));
    if (error == ERR_OK)
        error = give_history(handover, unit, &engine->history);
    return error == ERR_OK ? give_rows(handover, unit, engine) : error;
}

error_t screens_give(struct handover *handover) {
    error_t error = ERR_OK;
    for (uint32_t unit = 0; unit < SCREENS && error == ERR_OK; unit++)
        if (screens_engine(unit) != NULL)
            error = give_screen(handover, unit, screens_engine(unit));
    return error;
}

// --- taking ---

static error_t take_history(const struct handover *handover, uint32_t unit, const struct history *history) {
    return ring_take(handover, CLASS_HISTORY, unit, history->bytes, history->size, history->head, history->tail - history->head);
}

// The screen is as large as its memory when it is made.
static error_t take_screen(const struct handover *handover, uint32_t unit, const struct screen_record *record) {
    struct engine *engine;
    struct renderer_view *view;
    error_t error = screens_make(unit, &engine, &view);
    if (error != ERR_OK)
        return error;
    const struct engine_events *events = engine->events;
    struct cell *first = engine->screens[0].cells, *second = engine->screens[1].cells;
    void *context = engine->context;
    struct history history = record->engine.history;
    history.bytes = engine->history.bytes;
    if (record->engine.rows > engine->rows || record->engine.columns > engine->columns || history.size != engine->history.size ||
        record->view.back > history.lines)
        return ERR_CORRUPT;
    fiber_breathe();
    error = take_history(handover, unit, &history);
    if (error != ERR_OK)
        return error;
    *engine = record->engine;
    *view = record->view;
    return engine_attach(engine, first, second, history.bytes, events, context) ? ERR_OK : ERR_CORRUPT;
}

static error_t take_row(const struct handover_view *view) {
    uint64_t unit = view->view.key >> UNIT_SHIFT, half = view->view.key >> HALF_SHIFT & 0xffff, line = view->view.key & 0xffff;
    const struct engine *engine = unit < SCREENS ? screens_engine((uint32_t)unit) : NULL;
    if (engine == NULL || half >= HALVES || line >= engine->rows || view->view.length % sizeof(struct cell) != 0 ||
        view->view.length > engine->columns * sizeof(struct cell))
        return ERR_CORRUPT;
    fiber_breathe();
    return record_read(view, engine->screens[half].cells + line * engine->columns, view->view.length);
}

error_t screens_take(struct handover *handover) {
    static struct screen_record record;
    struct handover_view view = {0};
    while (handover_next(handover, CLASS_SCREEN, &view) == ERR_OK) {
        error_t error = record_read(&view, &record, sizeof(record));
        if (error == ERR_OK && view.view.key >= SCREENS)
            error = ERR_CORRUPT;
        if (error == ERR_OK)
            error = take_screen(handover, (uint32_t)view.view.key, &record);
        if (error != ERR_OK)
            return error;
    }
    view = (struct handover_view){0};
    while (handover_next(handover, CLASS_ROW, &view) == ERR_OK) {
        error_t error = take_row(&view);
        if (error != ERR_OK)
            return error;
    }
    return ERR_OK;
}
