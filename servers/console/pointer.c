// The mouse on the screens: a pointer, text that it selects and pastes, or reports to programs that asked for
// them. With shift held the console's own meaning is used in any case, as in xterm.
#include <string.h>

#include "libipc/protocols/input.h"
#include "servers/console/font.h"
#include "servers/console/pointer.h"
#include "servers/console/state.h"

enum { WHEEL_LINES = 3, PASTE_PIECE = 256 };

static struct {
    int32_t x, y; // in pixels
    uint32_t buttons;
    bool selecting;
    uint64_t anchor_line; // counted from the first line that was ever shown
    uint32_t anchor_column;
    uint32_t click_count;
    uint64_t clicked_at;
    char clipboard[CLIPBOARD_BYTES];
    size_t clipboard_length;
} pointer;

static const uint64_t double_click = 400 * UINT64_C(1000000);

static uint32_t row(void) {
    return (uint32_t)pointer.y / FONT_HEIGHT;
}

static uint32_t column(void) {
    return (uint32_t)pointer.x / FONT_WIDTH;
}

static int32_t clamp(int32_t value, uint32_t size) {
    return value < 0 ? 0 : value >= (int32_t)size ? (int32_t)size - 1 : value;
}

// --- Selecting ---

static const struct cell *cells_of(const struct engine *engine, const struct renderer_view *view, uint32_t line,
                                   struct cell *scratch) {
    return engine_view_row(engine, view->back, line, scratch);
}

static bool is_word(const struct cell *cell) {
    uint32_t c = cell->character;
    return c > 0x7f || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c != 0 && c != ' ' && strchr("_-./~", (int)c) != NULL);
}

// From the anchor to the pointer, in whole words or lines after a second or third click.
static void select_to(struct engine *engine, struct renderer_view *view) {
    struct cell scratch[ENGINE_COLUMNS_MAX];
    int64_t top = (int64_t)engine->history.pushed - view->back, anchor = (int64_t)pointer.anchor_line - top, here = row();
    uint32_t anchor_column = pointer.anchor_column, here_column = column();
    bool forward = anchor < here || (anchor == here && anchor_column <= here_column);
    view->selected = true;
    view->first_row = forward ? anchor : here;
    view->last_row = forward ? here : anchor;
    view->first_column = forward ? anchor_column : here_column;
    view->last_column = forward ? here_column : anchor_column;
    if (pointer.click_count >= 3) {
        view->first_column = 0;
        view->last_column = engine->columns - 1;
    } else if (pointer.click_count == 2 && view->first_row >= 0 && view->last_row >= 0) {
        const struct cell *cells = cells_of(engine, view, (uint32_t)view->first_row, scratch);
        while (view->first_column > 0 && is_word(&cells[view->first_column]) && is_word(&cells[view->first_column - 1]))
            view->first_column--;
        cells = cells_of(engine, view, (uint32_t)view->last_row, scratch);
        while (view->last_column + 1 < engine->columns && is_word(&cells[view->last_column]) &&
               is_word(&cells[view->last_column + 1]))
            view->last_column++;
    }
}

static void clipboard_add(uint32_t character) {
    char *at = pointer.clipboard + pointer.clipboard_length;
    if (pointer.clipboard_length + 4 > CLIPBOARD_BYTES)
        return;
    uint32_t more = character < 0x80 ? 0 : character < 0x800 ? 1 : character < 0x10000 ? 2 : 3;
    static const uint8_t leads[] = {0, 0xc0, 0xe0, 0xf0};
    *at++ = (char)(leads[more] | character >> 6 * more);
    for (uint32_t i = more; i-- > 0;)
        *at++ = (char)(0x80 | (character >> 6 * i & 0x3f));
    pointer.clipboard_length += 1 + more;
}

static void copy_row(const struct cell *cells, uint32_t first, uint32_t end) {
    while (end > first && cells[end - 1].character == ' ' && !(cells[end - 1].attributes & CELL_TAIL))
        end--;
    for (uint32_t i = first; i < end; i++) {
        if (cells[i].attributes & CELL_TAIL)
            continue;
        clipboard_add(cells[i].character);
        for (uint32_t mark = 0; mark < CELL_MARKS && cells[i].marks[mark] != 0; mark++)
            clipboard_add(cells[i].marks[mark]);
    }
}

// What is selected becomes what is pasted. Rows that go on in the next are joined.
static void copy(const struct engine *engine, const struct renderer_view *view) {
    struct cell scratch[ENGINE_COLUMNS_MAX];
    pointer.clipboard_length = 0;
    for (int64_t at = view->first_row < 0 ? 0 : view->first_row; at <= view->last_row && at < (int64_t)engine->rows; at++) {
        const struct cell *cells = cells_of(engine, view, (uint32_t)at, scratch);
        uint32_t first = at == view->first_row ? view->first_column : 0,
                 end = at == view->last_row ? view->last_column + 1 : engine->columns;
        copy_row(cells, first, end);
        bool joined = at >= (int64_t)view->back && engine->screen->wrapped[engine->screen->line[at - (int64_t)view->back]];
        if (at < view->last_row && !joined)
            clipboard_add('\n');
    }
}

void pointer_set_clipboard(const char *text, size_t length) {
    pointer.clipboard_length = length < CLIPBOARD_BYTES ? length : CLIPBOARD_BYTES;
    memcpy(pointer.clipboard, text, pointer.clipboard_length);
}

// As typed: line ends are returns. Escapes are left out, so that no text ends the paste by itself.
void pointer_paste(void) {
    const struct engine *engine = screens_front();
    struct terminal *terminal = &console.terminals[console.state->front];
    char bytes[PASTE_PIECE];
    size_t length = 0;
    if (engine == NULL || pointer.clipboard_length == 0)
        return;
    bool bracketed = (engine->modes & MODE_BRACKETED_PASTE) != 0;
    if (bracketed)
        terminal_input(terminal, "\033[200~", 6);
    for (size_t i = 0; i < pointer.clipboard_length; i++) {
        char byte = pointer.clipboard[i];
        if (byte != '\033')
            bytes[length++] = byte == '\n' ? '\r' : byte;
        if (length == sizeof(bytes) || i + 1 == pointer.clipboard_length) {
            terminal_input(terminal, bytes, length);
            length = 0;
        }
    }
    if (bracketed)
        terminal_input(terminal, "\033[201~", 6);
}

// --- Events ---

// True: the program in front takes it.
static bool report(const struct engine *engine, enum mouse_event event, uint32_t button) {
    uint32_t modifiers = keyboard_mouse_modifiers(&console.state->keyboard);
    char bytes[MOUSE_BYTES];
    if (!(engine->modes & MODE_MOUSE) || (modifiers & MOUSE_SHIFT))
        return false;
    size_t count = engine_mouse(engine, event, button, modifiers, row(), column(), bytes);
    if (count > 0)
        terminal_input(&console.terminals[console.state->front], bytes, count);
    return true;
}

// Numbers of input.idl (left, right, middle) to those of reports.
static uint32_t button_of(uint32_t code) {
    return code == 1 ? MOUSE_LEFT : code == 2 ? MOUSE_RIGHT : MOUSE_MIDDLE;
}

static uint32_t held_button(void) {
    return pointer.buttons & 1 ? MOUSE_LEFT : pointer.buttons & 4 ? MOUSE_MIDDLE : pointer.buttons & 2 ? MOUSE_RIGHT : MOUSE_NONE;
}

static void moved(struct engine *engine, struct renderer_view *view, const struct input_event *event) {
    uint32_t old_row = row(), old_column = column();
    pointer.x = clamp(pointer.x + event->x, engine->columns * FONT_WIDTH);
    pointer.y = clamp(pointer.y + event->y, engine->rows * FONT_HEIGHT);
    if (row() == old_row && column() == old_column && view->pointer)
        return;
    if (!report(engine, MOUSE_MOVE, held_button()) && pointer.selecting)
        select_to(engine, view);
}

static void pressed(struct engine *engine, struct renderer_view *view, const struct input_event *event) {
    if (report(engine, MOUSE_PRESS, button_of(event->code)))
        return;
    if (event->code != 1) {
        pointer_paste();
        return;
    }
    uint64_t line = engine->history.pushed - view->back + row();
    bool again =
        event->time - pointer.clicked_at < double_click && line == pointer.anchor_line && column() == pointer.anchor_column;
    pointer.click_count = again ? pointer.click_count % 3 + 1 : 1;
    pointer.clicked_at = event->time;
    pointer.selecting = true;
    pointer.anchor_line = line;
    pointer.anchor_column = column();
    view->selected = false;
    if (pointer.click_count > 1)
        select_to(engine, view);
}

static void released(struct engine *engine, struct renderer_view *view, const struct input_event *event) {
    if (report(engine, MOUSE_RELEASE, button_of(event->code)) && !pointer.selecting)
        return;
    if (event->code == 1 && pointer.selecting && view->selected)
        copy(engine, view);
    if (event->code == 1)
        pointer.selecting = false;
}

static void turned(const struct engine *engine, int32_t by) {
    struct terminal *terminal = &console.terminals[console.state->front];
    if (report(engine, MOUSE_PRESS, by < 0 ? MOUSE_WHEEL_UP : MOUSE_WHEEL_DOWN))
        return;
    if (!(engine->modes & MODE_ALTERNATE)) {
        screens_scroll(-by * WHEEL_LINES);
        return;
    }
    char sequence[] = {'\033', engine->modes & MODE_CURSOR_KEYS ? 'O' : '[', by < 0 ? 'A' : 'B'};
    for (uint32_t i = 0; i < WHEEL_LINES; i++) // there is no way back: cursor keys move the program's text
        terminal_input(terminal, sequence, sizeof(sequence));
}

void pointer_event(const struct input_event *event) {
    struct engine *engine = console.has_screen ? screens_front() : NULL;
    if (engine == NULL)
        return;
    struct renderer_view *view = screens_front_view();
    if (event->kind == INPUT_KIND_MOTION) {
        moved(engine, view, event);
    } else if (event->kind == INPUT_KIND_WHEEL) {
        turned(engine, event->y);
    } else if (event->kind == INPUT_KIND_BUTTON && event->code >= 1 && event->code <= 3) {
        uint32_t bit = 1u << (event->code - 1);
        bool down = event->state == KEY_STATE_DOWN;
        pointer.buttons = down ? pointer.buttons | bit : pointer.buttons & ~bit;
        if (down)
            pressed(engine, view, event);
        else
            released(engine, view, event);
    }
    view->pointer = true;
    view->pointer_row = row();
    view->pointer_column = column();
    screen_changed(console.state->front);
}

void pointer_hide(struct renderer_view *view) {
    view->pointer = view->selected = false;
    pointer.selecting = false;
}

void pointer_describe(struct pointer_record *record) {
    *record = (struct pointer_record){
        .x = pointer.x, .y = pointer.y, .buttons = pointer.buttons, .clipboard_length = (uint32_t)pointer.clipboard_length};
    memcpy(record->clipboard, pointer.clipboard, pointer.clipboard_length);
}

error_t pointer_restore(const struct pointer_record *record) {
    if (record->clipboard_length > CLIPBOARD_BYTES || record->x < 0 || record->y < 0)
        return ERR_CORRUPT;
    pointer.x = record->x;
    pointer.y = record->y;
    pointer.buttons = record->buttons;
    pointer_set_clipboard(record->clipboard, record->clipboard_length);
    return ERR_OK;
}
