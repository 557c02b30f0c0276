// The line editor. The line is drawn from the prompt on, over as many rows as it takes, each time that it
// changes; a character typed at the end is just sent. `row` is where the cursor stands below the prompt's
// first row.
#include "programs/sh/line_editor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "programs/common/buffer.h"
#include "programs/common/program.h"
#include "programs/common/terminal.h"
#include "programs/common/utf8.h"
#include "programs/sh/complete.h"
#include "programs/sh/history.h"
#include "programs/sh/trap.h"

struct editor {
    struct shell *shell;
    const char *prompt;
    struct buffer text;
    size_t cursor;
    struct buffer killed; // what ^K, ^U and ^W took, for ^Y
    struct buffer draft;  // the new line while older ones are looked at
    size_t history_index; // history_count() is the new line
    struct buffer output; // collected, so that the terminal gets one write
    int row;              // of the cursor, as drawn
    bool listed;          // the last key was a Tab that could not decide
};

struct place {
    int row;
    int column;
};

// Moves the place over a text as the terminal does; escape sequences take no columns, control characters two.
static void place_advance(struct place *place, const char *text, size_t length, int columns) {
    for (size_t offset = 0; offset < length;) {
        uint32_t code;
        size_t size = utf8_decode(text + offset, length - offset, &code);
        if (code == 27 && offset + 1 < length && text[offset + 1] == '[') {
            offset += 2;
            while (offset < length && !(text[offset] >= '@' && text[offset] <= '~'))
                offset++;
            offset++;
            continue;
        }
        offset += size;
        if (code == '\n') {
            *place = (struct place){place->row + 1, 0};
            continue;
        }
        int width = code < 32 || code == 127 ? 2 : utf8_width(code);
        if (place->column + width > columns)
            *place = (struct place){place->row + 1, 0};
        place->column += width;
    }
    if (place->column >= columns)
        *place = (struct place){place->row + 1, 0};
}

static void output_flush(struct editor *editor) {
    descriptor_write(STDOUT_FILENO, editor->output.data, editor->output.length);
    buffer_clear(&editor->output);
}

static void output_text(struct editor *editor, const char *text, size_t length) {
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c < 32 || c == 127)
            buffer_format(&editor->output, "^%c", c ^ 64);
        else
            buffer_append_byte(&editor->output, (char)c);
    }
}

static void move_up(struct editor *editor, int rows) {
    if (rows > 0)
        buffer_format(&editor->output, "\033[%dA", rows);
}

static void draw_with(struct editor *editor, const char *prompt) {
    int rows, columns;
    terminal_size(STDOUT_FILENO, &rows, &columns);
    struct place end = {0}, cursor = {0};
    place_advance(&end, prompt, strlen(prompt), columns);
    cursor = end;
    place_advance(&cursor, editor->text.data, editor->cursor, columns);
    place_advance(&end, editor->text.data, editor->text.length, columns);
    move_up(editor, editor->row);
    buffer_append_byte(&editor->output, '\r');
    for (const char *c = prompt; *c; c++) // the terminal is raw
        buffer_append(&editor->output, *c == '\n' ? "\r\n" : c, *c == '\n' ? 2 : 1);
    output_text(editor, editor->text.data, editor->text.length);
    if (end.column == 0 && end.row > 0) // the last column was filled, and the terminal has not moved on yet
        buffer_append_text(&editor->output, "\r\n");
    buffer_append_text(&editor->output, "\033[J");
    move_up(editor, end.row - cursor.row);
    buffer_append_byte(&editor->output, '\r');
    if (cursor.column)
        buffer_format(&editor->output, "\033[%dC", cursor.column);
    editor->row = cursor.row;
    output_flush(editor);
}

static void draw(struct editor *editor) {
    draw_with(editor, editor->prompt);
}

// Leaves the line: the cursor goes behind its last row.
static void draw_end(struct editor *editor, const char *more) {
    editor->cursor = editor->text.length;
    draw(editor);
    buffer_append_text(&editor->output, more);
    buffer_append_text(&editor->output, "\r\n");
    output_flush(editor);
    editor->row = 0;
}

static void insert(struct editor *editor, const char *text, size_t length) {
    bool at_end = editor->cursor == editor->text.length;
    buffer_replace(&editor->text, editor->cursor, 0, text, length);
    editor->cursor += length;
    uint32_t code;
    int rows, columns;
    terminal_size(STDOUT_FILENO, &rows, &columns);
    struct place place = {0};
    place_advance(&place, editor->prompt, strlen(editor->prompt), columns);
    place_advance(&place, editor->text.data, editor->text.length, columns);
    if (!at_end || place.column < 2 || utf8_decode(text, length, &code) != length || code < 32) {
        draw(editor);
        return;
    }
    buffer_append(&editor->output, text, length);
    output_flush(editor);
}

static void insert_code(struct editor *editor, uint32_t code) {
    char bytes[4];
    insert(editor, bytes, utf8_encode(code, bytes));
}

static void remove_range(struct editor *editor, size_t start, size_t end, bool keep) {
    if (keep && end > start) {
        buffer_clear(&editor->killed);
        buffer_append(&editor->killed, editor->text.data + start, end - start);
    }
    buffer_replace(&editor->text, start, end - start, NULL, 0);
    editor->cursor = start;
    draw(editor);
}

static void text_set(struct editor *editor, const char *text) {
    buffer_clear(&editor->text);
    buffer_append_text(&editor->text, text);
    editor->cursor = editor->text.length;
}

static void history_go(struct editor *editor, size_t index) {
    if (index > history_count() || index == editor->history_index)
        return;
    if (editor->history_index == history_count()) {
        buffer_clear(&editor->draft);
        buffer_append_text(&editor->draft, editor->text.data);
    }
    editor->history_index = index;
    text_set(editor, index == history_count() ? editor->draft.data : history_line(index));
    draw(editor);
}

static size_t word_left(const struct editor *editor) {
    size_t at = editor->cursor;
    while (at && editor->text.data[at - 1] == ' ')
        at--;
    while (at && editor->text.data[at - 1] != ' ')
        at--;
    return at;
}

static size_t word_right(const struct editor *editor) {
    size_t at = editor->cursor;
    while (at < editor->text.length && editor->text.data[at] == ' ')
        at++;
    while (at < editor->text.length && editor->text.data[at] != ' ')
        at++;
    return at;
}

// Searches from `from` towards older lines; history_count() if there is none.
static size_t search_older(const char *query, size_t from) {
    for (size_t i = from; i-- > 0;) {
        if (strstr(history_line(i), query))
            return i;
    }
    return history_count();
}

// ^C is a signal, as elsewhere, and drops what was typed before it and not read: the terminal knows the
// order. It is a key only where the terminal makes no signal of it.
static uint32_t key_read(void) {
    uint32_t key = KEY_NONE;
    while (key == KEY_NONE && !trap_interrupted())
        key = terminal_key_read(STDIN_FILENO, -1);
    return key == KEY_NONE ? KEY_CONTROL('C') : key;
}

static void search_show(struct editor *editor, const char *query, size_t found) {
    struct buffer prompt;
    buffer_init(&prompt);
    bool failed = *query && found == history_count();
    buffer_format(&prompt, "(%ssearch) %s: ", failed ? "no such line, " : "", query);
    if (!failed)
        text_set(editor, found < history_count() ? history_line(found) : "");
    draw_with(editor, prompt.data);
    buffer_free(&prompt);
}

// ^R: returns the key that ended the search, for the editor to act on; 0 if it was given up.
static uint32_t search(struct editor *editor) {
    struct buffer query, before;
    buffer_init(&query);
    buffer_init(&before);
    buffer_append_text(&before, editor->text.data);
    size_t found = history_count();
    uint32_t key;
    for (;;) {
        search_show(editor, query.data, found);
        key = key_read();
        if (key == KEY_CONTROL('R')) {
            size_t next = search_older(query.data, found);
            found = next < history_count() || !query.length ? next : found;
        } else if (key == 127 || key == KEY_CONTROL('H')) {
            size_t start = utf8_previous(query.data, query.length);
            buffer_replace(&query, start, query.length - start, NULL, 0);
            found = query.length ? search_older(query.data, history_count()) : history_count();
        } else if (key >= 32 && key < UTF8_INVALID) {
            char bytes[4];
            buffer_append(&query, bytes, utf8_encode(key, bytes));
            size_t from = found < history_count() ? found + 1 : history_count();
            found = search_older(query.data, from);
        } else {
            break;
        }
    }
    if (key == KEY_CONTROL('G') || key == KEY_CONTROL('C')) {
        text_set(editor, before.data);
        key = 0;
    } else if (found < history_count()) {
        editor->history_index = found;
    }
    buffer_free(&query);
    buffer_free(&before);
    draw(editor);
    return key;
}

static void list_candidates(struct editor *editor, const struct completion *completion) {
    int rows, columns;
    size_t widest = 0;
    terminal_size(STDOUT_FILENO, &rows, &columns);
    for (size_t i = 0; i < completion->count; i++) {
        size_t width = utf8_text_width(completion->names[i], strlen(completion->names[i]));
        widest = width > widest ? width : widest;
    }
    size_t across = (size_t)columns / (widest + 2);
    if (across == 0)
        across = 1;
    size_t down = (completion->count + across - 1) / across;
    size_t cursor = editor->cursor;
    draw_end(editor, "");
    editor->cursor = cursor;
    for (size_t row = 0; row < down; row++) {
        for (size_t i = row; i < completion->count; i += down) {
            size_t width = utf8_text_width(completion->names[i], strlen(completion->names[i]));
            output_text(editor, completion->names[i], strlen(completion->names[i]));
            if (i + down < completion->count)
                buffer_format(&editor->output, "%*s", (int)(widest + 2 - width), "");
        }
        buffer_append_text(&editor->output, "\r\n");
    }
    draw(editor);
}

static void complete_word(struct editor *editor) {
    struct completion completion;
    complete(editor->shell, editor->text.data, editor->cursor, &completion);
    if (completion.insert.length) {
        insert(editor, completion.insert.data, completion.insert.length);
        draw(editor);
        editor->listed = false;
    } else if (completion.count > 1 && editor->listed) {
        list_candidates(editor, &completion);
    } else {
        editor->listed = completion.count > 1;
        descriptor_write(STDOUT_FILENO, "\a", 1);
    }
    completion_free(&completion);
}

static void cursor_go(struct editor *editor, size_t cursor) {
    if (cursor == editor->cursor)
        return;
    editor->cursor = cursor;
    draw(editor);
}

// Keys that move the cursor or look at other lines; false if the key is none of them.
static bool handle_move(struct editor *editor, uint32_t key) {
    const char *text = editor->text.data;
    switch (key) {
    case KEY_LEFT:
    case KEY_CONTROL('B'):
        cursor_go(editor, utf8_previous(text, editor->cursor));
        return true;
    case KEY_RIGHT:
    case KEY_CONTROL('F'):
        cursor_go(editor, utf8_next(text, editor->text.length, editor->cursor));
        return true;
    case KEY_HOME:
    case KEY_CONTROL('A'):
        cursor_go(editor, 0);
        return true;
    case KEY_END:
    case KEY_CONTROL('E'):
        cursor_go(editor, editor->text.length);
        return true;
    case KEY_WORD_LEFT:
    case KEY_ALT + 'b':
        cursor_go(editor, word_left(editor));
        return true;
    case KEY_WORD_RIGHT:
    case KEY_ALT + 'f':
        cursor_go(editor, word_right(editor));
        return true;
    case KEY_UP:
    case KEY_CONTROL('P'):
        if (editor->history_index > 0)
            history_go(editor, editor->history_index - 1);
        return true;
    case KEY_DOWN:
    case KEY_CONTROL('N'):
        history_go(editor, editor->history_index + 1);
        return true;
    default:
        return false;
    }
}

static void handle_edit(struct editor *editor, uint32_t key) {
    size_t cursor = editor->cursor;
    size_t length = editor->text.length;
    switch (key) {
    case 127:
    case KEY_CONTROL('H'):
        if (cursor)
            remove_range(editor, utf8_previous(editor->text.data, cursor), cursor, false);
        break;
    case KEY_DELETE:
    case KEY_CONTROL('D'):
        if (cursor < length)
            remove_range(editor, cursor, utf8_next(editor->text.data, length, cursor), false);
        break;
    case KEY_CONTROL('K'):
        remove_range(editor, cursor, length, true);
        break;
    case KEY_CONTROL('U'):
        remove_range(editor, 0, cursor, true);
        break;
    case KEY_CONTROL('W'):
        remove_range(editor, word_left(editor), cursor, true);
        break;
    case KEY_ALT + 'd':
        remove_range(editor, cursor, word_right(editor), true);
        break;
    case KEY_CONTROL('Y'):
        insert(editor, editor->killed.data, editor->killed.length);
        draw(editor);
        break;
    case KEY_CONTROL('L'):
        buffer_append_text(&editor->output, "\033[H\033[2J");
        editor->row = 0;
        draw(editor);
        break;
    case '\t':
        complete_word(editor);
        return;
    default:
        if (key >= 32 && key < UTF8_INVALID + 256)
            insert_code(editor, key);
    }
}

static enum line_result edit(struct editor *editor) {
    draw(editor);
    for (;;) {
        uint32_t key = key_read();
        if (key == KEY_CONTROL('R'))
            key = search(editor);
        if (key != '\t')
            editor->listed = false;
        if (key == 0 || key == KEY_NONE || key == KEY_UNKNOWN)
            continue;
        if (key == '\r' || key == '\n') {
            draw_end(editor, "");
            return LINE_READ;
        }
        if (key == KEY_CONTROL('C')) {
            draw_end(editor, "^C");
            return LINE_INTERRUPTED;
        }
        if (key == KEY_CLOSED || (key == KEY_CONTROL('D') && editor->text.length == 0)) {
            draw_end(editor, "");
            return LINE_END;
        }
        if (!handle_move(editor, key))
            handle_edit(editor, key);
    }
}

static enum line_result line_read_plainly(const char *prompt, struct buffer *text) {
    descriptor_write(STDERR_FILENO, prompt, strlen(prompt));
    for (;;) {
        char c;
        ssize_t count = read(STDIN_FILENO, &c, 1);
        if (count < 0 && errno == EINTR) {
            descriptor_write(STDERR_FILENO, "\n", 1);
            return LINE_INTERRUPTED;
        }
        if (count <= 0)
            return text->length ? LINE_READ : LINE_END;
        if (c == '\n')
            return LINE_READ;
        buffer_append_byte(text, c);
    }
}

enum line_result line_edit(struct shell *shell, const char *prompt, char **line) {
    struct editor editor = {.shell = shell, .prompt = prompt, .history_index = history_count()};
    struct termios saved;
    buffer_init(&editor.text);
    buffer_init(&editor.killed);
    buffer_init(&editor.draft);
    buffer_init(&editor.output);
    enum line_result result;
    if (isatty(STDOUT_FILENO) && terminal_raw_begin(STDIN_FILENO, &saved, ISIG)) {
        (void)trap_is_pending(); // a ^C that came before shows in key_read()
        result = edit(&editor);
        terminal_raw_end(STDIN_FILENO, &saved);
    } else {
        result = line_read_plainly(prompt, &editor.text);
    }
    buffer_free(&editor.killed);
    buffer_free(&editor.draft);
    buffer_free(&editor.output);
    *line = NULL;
    if (result == LINE_READ)
        *line = buffer_take_final(&editor.text);
    else
        buffer_free(&editor.text);
    return result;
}
