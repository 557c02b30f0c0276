// Drawing: each row is put together as a string and compared with the one on the screen.
#include "programs/edit/view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "programs/common/program.h"
#include "programs/common/terminal.h"
#include "programs/common/utf8.h"

#define TAB_WIDTH 8

void view_init(struct view *view) {
    *view = (struct view){0};
    buffer_init(&view->output);
}

static void drawn_free(struct view *view) {
    for (int i = 0; i < view->drawn_rows; i++)
        buffer_free(&view->drawn[i]);
    free(view->drawn);
    view->drawn = NULL;
    view->drawn_rows = 0;
}

void view_free(struct view *view) {
    drawn_free(view);
    buffer_free(&view->output);
}

void view_forget(struct view *view) {
    drawn_free(view);
    view->rows = view->columns = 0;
}

size_t view_height(const struct view *view) {
    return view->rows > 3 ? (size_t)view->rows - 2 : 1;
}

// The width of the character at `offset` when it stands in `column`; *size is its length in bytes.
static size_t character_width(const struct buffer *line, size_t offset, size_t column, size_t *size, uint32_t *code) {
    *size = utf8_decode(line->data + offset, line->length - offset, code);
    if (*code == '\t')
        return TAB_WIDTH - column % TAB_WIDTH;
    return *code < 32 || *code == 127 ? 2 : (size_t)utf8_width(*code);
}

size_t view_column(const struct buffer *line, size_t offset) {
    size_t column = 0, size;
    uint32_t code;
    for (size_t at = 0; at < offset && at < line->length; at += size)
        column += character_width(line, at, column, &size, &code);
    return column;
}

size_t view_offset(const struct buffer *line, size_t column) {
    size_t reached = 0, size, at = 0;
    uint32_t code;
    while (at < line->length) {
        size_t width = character_width(line, at, reached, &size, &code);
        if (reached + width > column)
            break;
        reached += width;
        at += size;
    }
    return at;
}

// The part of a line from column `left` on that fits into `columns`.
static void line_compose(const struct buffer *line, size_t left, size_t columns, struct buffer *row) {
    size_t column = 0, size;
    for (size_t at = 0; at < line->length; at += size) {
        uint32_t code;
        size_t width = character_width(line, at, column, &size, &code);
        if (column + width > left + columns)
            break;
        if (column >= left && code == '\t')
            buffer_format(row, "%*s", (int)width, "");
        else if (column >= left && (code < 32 || code == 127))
            buffer_format(row, "^%c", (int)(code ^ 64));
        else if (column >= left && code >= UTF8_INVALID)
            buffer_append_text(row, "\xef\xbf\xbd"); // what is no UTF-8 shows as the replacement character
        else if (column >= left)
            buffer_append(row, line->data + at, size);
        else if (column + width > left) // cut in half by the edge
            buffer_format(row, "%*s", (int)(column + width - left), "");
        column += width;
    }
}

static void row_put(struct view *view, int row, const struct buffer *content) {
    if (strcmp(view->drawn[row].data, content->data) == 0 && view->drawn[row].length == content->length)
        return;
    buffer_clear(&view->drawn[row]);
    buffer_append(&view->drawn[row], content->data, content->length);
    buffer_format(&view->output, "\033[%d;1H\033[K", row + 1);
    buffer_append(&view->output, content->data, content->length);
}

// The end of a name that is too long, from the start of a character on.
static const char *name_shorten(const char *name, size_t columns) {
    while (*name && utf8_text_width(name, strlen(name)) > columns)
        name += utf8_next(name, strlen(name), 0);
    return name;
}

static void status_compose(const struct view *view, const struct text *text, struct place cursor, const char *name,
                           struct buffer *row) {
    char right[96];
    size_t columns = (size_t)view->columns;
    const char *changed = text->changed ? " (changed)" : "";
    snprintf(right, sizeof(right), "line %zu of %zu, column %zu ", cursor.line + 1, text->count,
             view_column(&text->lines[cursor.line], cursor.offset) + 1);
    size_t used = strlen(changed) + strlen(right) + 2;
    name = name_shorten(name, columns > used ? columns - used : 0);
    used += utf8_text_width(name, strlen(name));
    buffer_append_text(row, "\033[7m");
    if (used <= columns)
        buffer_format(row, " %s%s%*s %s", name, changed, (int)(columns - used), "", right);
    else
        buffer_format(row, "%-*.*s", (int)columns, (int)columns, right);
    buffer_append_text(row, "\033[0m");
}

// Moves the window so that the cursor is in it, and adapts to a new size of the terminal.
static void window_fit(struct view *view, const struct text *text, struct place cursor) {
    int rows, columns;
    terminal_size(STDOUT_FILENO, &rows, &columns);
    if (rows != view->rows || columns != view->columns || !view->drawn) {
        drawn_free(view);
        view->rows = rows;
        view->columns = columns;
        view->drawn = memory_allocate((size_t)rows * sizeof(struct buffer));
        view->drawn_rows = rows;
        for (int i = 0; i < rows; i++)
            buffer_init(&view->drawn[i]);
        buffer_append_text(&view->output, "\033[0m\033[2J");
    }
    size_t height = view_height(view), column = view_column(&text->lines[cursor.line], cursor.offset);
    if (cursor.line < view->top)
        view->top = cursor.line;
    if (cursor.line >= view->top + height)
        view->top = cursor.line - height + 1;
    if (column < view->left)
        view->left = column > 8 ? column - 8 : 0;
    if (column >= view->left + (size_t)columns)
        view->left = column - (size_t)columns + 9;
}

void view_draw(struct view *view, const struct text *text, struct place cursor, const char *name, const char *prompt) {
    struct buffer row;
    buffer_init(&row);
    buffer_append_text(&view->output, "\033[?25l");
    window_fit(view, text, cursor);
    size_t height = view_height(view);
    for (size_t i = 0; i < height && (int)i < view->rows; i++) {
        buffer_clear(&row);
        if (view->top + i < text->count)
            line_compose(&text->lines[view->top + i], view->left, (size_t)view->columns, &row);
        else
            buffer_append_text(&row, "\033[34m~\033[0m");
        row_put(view, (int)i, &row);
    }
    if (view->rows > 3) {
        buffer_clear(&row);
        status_compose(view, text, cursor, name, &row);
        row_put(view, view->rows - 2, &row);
        buffer_clear(&row);
        struct buffer message = {0};
        buffer_init(&message);
        buffer_append_text(&message, prompt ? prompt : view->message);
        line_compose(&message, 0, (size_t)view->columns, &row);
        buffer_free(&message);
        row_put(view, view->rows - 1, &row);
    }
    size_t column = view_column(&text->lines[cursor.line], cursor.offset) - view->left;
    if (prompt)
        buffer_format(&view->output, "\033[%d;%zuH", view->rows, utf8_text_width(prompt, strlen(prompt)) + 1);
    else
        buffer_format(&view->output, "\033[%zu;%zuH", cursor.line - view->top + 1, column + 1);
    buffer_append_text(&view->output, "\033[?25h");
    descriptor_write(STDOUT_FILENO, view->output.data, view->output.length);
    buffer_clear(&view->output);
    buffer_free(&row);
}
