// See case_file.h.
#include "tests/host/console/case_file.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static void append(char *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void append(char *text, const char *format, ...) {
    size_t length = strlen(text);
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text + length, CASE_TEXT - length, format, arguments);
    va_end(arguments);
}

static int hexadecimal(char digit) {
    const char *digits = "0123456789abcdef", *found = digit != 0 ? strchr(digits, digit) : NULL;
    return found != NULL ? (int)(found - digits) : -1;
}

// Takes escapes out of `text`. Returns the number of bytes, or -1.
static int unescape(const char *text, char *out) {
    static const char names[] = "enrtabvf0s\\", values[] = "\033\n\r\t\a\b\v\f\0 \\";
    int count = 0;
    for (; *text != 0; text++) {
        if (*text != '\\') {
            out[count++] = *text;
            continue;
        }
        const char *name = strchr(names, *++text);
        if (*text == 'x' && hexadecimal(text[1]) >= 0 && hexadecimal(text[2]) >= 0) {
            out[count++] = (char)(hexadecimal(text[1]) << 4 | hexadecimal(text[2]));
            text += 2;
        } else if (*text != 0 && name != NULL) {
            out[count++] = values[name - names];
        } else {
            return -1;
        }
    }
    return count;
}

static const char *read_step(struct terminal_case *out, const char *text) {
    struct case_step *last = out->step_count > 0 ? &out->steps[out->step_count - 1] : NULL, *step = last;
    unsigned rows, columns;
    if (strncmp(text, "in ", 3) == 0) {
        if (last == NULL || last->is_resize) {
            if (out->step_count == CASE_STEPS)
                return "too many steps";
            step = &out->steps[out->step_count++];
            *step = (struct case_step){.start = last != NULL ? last->start + last->length : 0};
        }
        if (step->start + step->length + strlen(text) >= CASE_BYTES)
            return "too many bytes";
        int count = unescape(text + 3, out->bytes + step->start + step->length);
        if (count < 0)
            return "an escape is not known";
        step->length += (size_t)count;
    } else if (sscanf(text, "resize %u %u", &rows, &columns) == 2) {
        if (out->step_count == CASE_STEPS)
            return "too many steps";
        out->steps[out->step_count++] = (struct case_step){
            .is_resize = true, .start = last != NULL ? last->start + last->length : 0, .rows = rows, .columns = columns};
    } else if (sscanf(text, "size %u %u", &out->rows, &out->columns) != 2) {
        if (strncmp(text, "differs ", 8) == 0)
            (void)snprintf(out->differs, sizeof(out->differs), "%s", text + 8);
        else
            append(out->expected, "%s\n", text);
    }
    return NULL;
}

bool case_read(FILE *file, unsigned *line, struct terminal_case *out, const char **error) {
    static char text[CASE_BYTES];
    bool begun = false;
    *error = NULL;
    memset(out, 0, sizeof(*out));
    out->rows = CASE_ROWS;
    out->columns = CASE_COLUMNS;
    while (fgets(text, sizeof(text), file) != NULL) {
        ++*line;
        text[strcspn(text, "\n")] = 0;
        if (text[0] == '#')
            continue;
        if (text[0] == 0) {
            if (begun)
                return true;
            continue;
        }
        if (!begun && strncmp(text, "case ", 5) != 0) {
            *error = "a case begins with its name";
            return false;
        }
        if (!begun) {
            (void)snprintf(out->name, sizeof(out->name), "%s", text + 5);
            out->line = *line;
            begun = true;
        } else if ((*error = read_step(out, text)) != NULL) {
            return false;
        }
    }
    return begun;
}

// --- A screen as text ---

static void append_character(char *text, uint32_t value) {
    if (value < 0x80)
        append(text, "%c", (int)value);
    else if (value < 0x800)
        append(text, "%c%c", 0xc0 | value >> 6, 0x80 | (value & 0x3f));
    else if (value < 0x10000)
        append(text, "%c%c%c", 0xe0 | value >> 12, 0x80 | (value >> 6 & 0x3f), 0x80 | (value & 0x3f));
    else
        append(text, "%c%c%c%c", 0xf0 | value >> 18, 0x80 | (value >> 12 & 0x3f), 0x80 | (value >> 6 & 0x3f),
               0x80 | (value & 0x3f));
}

static bool is_blank(const struct case_cell *cell) {
    return cell->characters[0] == ' ' && cell->characters[1] == 0;
}

void case_tell_row(const struct case_screen *screen, char mark, unsigned row, char *text) {
    struct case_cell cell;
    unsigned last = screen->columns;
    while (last > 0 && (screen->cell(screen->context, row, last - 1, &cell), is_blank(&cell)))
        last--;
    append(text, "%c", mark);
    for (unsigned column = 0; column < last; column++) {
        screen->cell(screen->context, row, column, &cell);
        for (unsigned i = 0; i < 8 && cell.characters[i] != 0; i++)
            append_character(text, cell.characters[i]);
    }
    append(text, "\n");
}

static bool same_style(const struct case_cell *a, const struct case_cell *b) {
    return a->attributes == b->attributes && strcmp(a->foreground, b->foreground) == 0 &&
           strcmp(a->background, b->background) == 0;
}

static void tell_style(const struct case_cell *cell, unsigned row, unsigned first, unsigned last, char *text) {
    static const char *const names[] = {"bold",  "faint",   "italic",    "underline", "double",   "curly",
                                        "blink", "inverse", "invisible", "struck",    "overline", "protected"};
    append(text, "style %u %u", row + 1, first + 1);
    if (last > first)
        append(text, "-%u", last + 1);
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (cell->attributes & 1u << i)
            append(text, " %s", names[i]);
    if (cell->foreground[0] != 0)
        append(text, " fg=%s", cell->foreground);
    if (cell->background[0] != 0)
        append(text, " bg=%s", cell->background);
    append(text, "\n");
}

void case_tell_screen(const struct case_screen *screen, char *text) {
    size_t end = strlen(text);
    for (unsigned row = 0; row < screen->rows; row++) {
        size_t before = strlen(text);
        case_tell_row(screen, '|', row, text);
        if (strlen(text) > before + 2)
            end = strlen(text);
    }
    text[end] = 0;
    append(text, "cursor %u %u\n", screen->cursor_row + 1, screen->cursor_column + 1);
    for (unsigned row = 0; row < screen->rows; row++) {
        for (unsigned first = 0, last; first < screen->columns; first = last) {
            struct case_cell cell, next, plain = {.attributes = 0};
            screen->cell(screen->context, row, first, &cell);
            for (last = first + 1; last < screen->columns; last++) {
                screen->cell(screen->context, row, last, &next);
                if (!same_style(&cell, &next))
                    break;
            }
            if (!same_style(&cell, &plain))
                tell_style(&cell, row, first, last - 1, text);
        }
    }
}

void case_tell_bytes(const char *name, const char *bytes, size_t count, char *text) {
    static const char names[] = "enrtabvf0\\", values[] = "\033\n\r\t\a\b\v\f\0\\";
    append(text, "%s ", name);
    for (size_t i = 0; i < count; i++) {
        const char *found = memchr(values, bytes[i], sizeof(values) - 1);
        if (found != NULL)
            append(text, "\\%c", names[found - values]);
        else if ((unsigned char)bytes[i] < 0x20 || bytes[i] == 0x7f)
            append(text, "\\x%02x", (unsigned char)bytes[i]);
        else
            append(text, "%c", bytes[i]);
    }
    append(text, "\n");
}
