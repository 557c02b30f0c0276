// Jump scrolling: of a text that scrolls away as soon as it is written, what nobody sees goes straight to the
// history. What comes of it is what would have come of writing it line by line. Called by engine_write.
#include <string.h>

#include "servers/console/engine/operations.h"

enum { JUMP_BYTES = 32768 }; // most at once: it fits into a history

// Where text goes into an empty last row of a screen that scrolls as a whole.
static bool is_possible(const struct engine *engine) {
    const struct engine_cursor *cursor = &engine->cursor;
    const struct cell blank = {.character = ' '};
    if (cursor->row != engine->rows - 1 || cursor->column != 0 || cursor->wrap_next || engine->rows < 2 ||
        (engine->modes & (MODE_ALTERNATE | MODE_INSERT)) || engine->top != 0 || engine->bottom != engine->rows - 1 ||
        engine->left != 0 || engine->right != engine->columns - 1 || cursor->style.background != COLOUR_DEFAULT ||
        cursor->charsets[cursor->charset] != CHARSET_ASCII || engine->single_shift != 0 || engine->history.size < 4 * JUMP_BYTES)
        return false;
    const struct cell *cells = engine_row(engine, cursor->row);
    for (uint32_t column = 0; column < engine->columns; column++)
        if (memcmp(&cells[column], &blank, sizeof(blank)) != 0)
            return false;
    return true;
}

// Bytes of a line of plain ASCII with its end, 0: it is none.
static size_t line_length(const struct engine *engine, const char *bytes, size_t count) {
    size_t length = 0;
    while (length < count && length <= engine->columns && bytes[length] >= 0x20 && bytes[length] < 0x7f)
        length++;
    if (length > engine->columns)
        return 0;
    if (length + 1 < count && bytes[length] == '\r' && bytes[length + 1] == '\n')
        return length + 2;
    return length < count && bytes[length] == '\n' && (engine->modes & MODE_NEW_LINE) ? length + 1 : 0;
}

size_t engine_jump(struct engine *engine, const char *bytes, size_t count, size_t *looked) {
    const struct history_announce announce = {.changing = engine->events->changing, .context = engine->context};
    const struct engine_style *look = &engine->cursor.style;
    const struct cell style = {.foreground = look->foreground, .attributes = look->attributes};
    size_t end = 0, length, done = 0;
    uint32_t lines = 0, stay = engine->rows - 1;
    *looked = 1;
    if (!is_possible(engine))
        return 0;
    while (end < JUMP_BYTES && (length = line_length(engine, bytes + end, count - end)) > 0) {
        end += length;
        lines++;
    }
    *looked = end + 1;
    if (lines < 2 * stay)
        return 0;
    engine_push_rows(engine, stay);
    for (uint32_t line = 0; line < lines - stay; line++) {
        length = line_length(engine, bytes + done, count - done);
        if (bytes[done] >= ' ')
            engine->last_printed = (uint32_t)bytes[done + length - (bytes[done + length - 2] == '\r' ? 3 : 2)];
        done += length;
    }
    history_push_text(&engine->history, &announce, bytes, lines - stay, &style);
    engine_erase_rows(engine, 0, engine->rows, false);
    engine_move_to(engine, 0, 0);
    return done;
}
