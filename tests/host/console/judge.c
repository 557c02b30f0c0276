// The cases of cases/*.case, sent to another terminal emulator (libvterm, from its package): its screen must
// be the expected one, too. Of what a case expects, only what libvterm's screen tells is compared: text,
// cursor, the attributes that it knows, colours. A case that says `differs` must differ, and says why. Prints
// TAP.
#include <stdlib.h>
#include <string.h>
#include <vterm.h>

#include "tests/host/console/case_file.h"

enum { KNOWN = CASE_BOLD | CASE_ITALIC | CASE_UNDERLINE | CASE_DOUBLE | CASE_CURLY | CASE_BLINK | CASE_INVERSE | CASE_STRUCK };

static void tell_colour(const VTermColor *colour, char *text) {
    text[0] = 0;
    if (VTERM_COLOR_IS_DEFAULT_FG(colour) || VTERM_COLOR_IS_DEFAULT_BG(colour))
        return;
    if (VTERM_COLOR_IS_INDEXED(colour))
        (void)snprintf(text, 16, "%u", colour->indexed.idx);
    else
        (void)snprintf(text, 16, "#%02x%02x%02x", colour->rgb.red, colour->rgb.green, colour->rgb.blue);
}

static void screen_cell(void *context, unsigned row, unsigned column, struct case_cell *out) {
    static const unsigned underlines[] = {0, CASE_UNDERLINE, CASE_DOUBLE, CASE_CURLY};
    VTermScreenCell cell;
    vterm_screen_get_cell(context, (VTermPos){.row = (int)row, .col = (int)column}, &cell);
    memset(out, 0, sizeof(*out));
    for (unsigned i = 0; i < VTERM_MAX_CHARS_PER_CELL && cell.chars[i] != 0; i++)
        out->characters[i] = cell.chars[i];
    if (cell.chars[0] == 0)
        out->characters[0] = ' ';
    if (cell.chars[0] == UINT32_MAX)
        out->characters[0] = 0; // the right half of a wide character
    out->attributes = (cell.attrs.bold ? CASE_BOLD : 0) | (cell.attrs.italic ? CASE_ITALIC : 0) |
                      underlines[cell.attrs.underline] | (cell.attrs.blink ? CASE_BLINK : 0) |
                      (cell.attrs.reverse ? CASE_INVERSE : 0) | (cell.attrs.strike ? CASE_STRUCK : 0);
    tell_colour(&cell.fg, out->foreground);
    tell_colour(&cell.bg, out->background);
    if (cell.chars[0] == UINT32_MAX && column > 0) { // it has no style of its own
        uint32_t none[8] = {0};
        screen_cell(context, row, column - 1, out);
        memcpy(out->characters, none, sizeof(none));
    }
}

static void judge(const struct terminal_case *one, char *got) {
    VTerm *terminal = vterm_new((int)one->rows, (int)one->columns);
    VTermScreen *screen = vterm_obtain_screen(terminal);
    VTermPos cursor;
    vterm_set_utf8(terminal, 1);
    vterm_screen_enable_altscreen(screen, 1);
    vterm_screen_reset(screen, 1);
    struct case_screen told = {.rows = one->rows, .columns = one->columns, .cell = screen_cell, .context = screen};
    for (unsigned i = 0; i < one->step_count; i++) {
        const struct case_step *step = &one->steps[i];
        if (step->is_resize) {
            told.rows = step->rows;
            told.columns = step->columns;
            vterm_set_size(terminal, (int)step->rows, (int)step->columns);
        } else {
            vterm_input_write(terminal, one->bytes + step->start, step->length);
        }
    }
    vterm_state_get_cursorpos(vterm_obtain_state(terminal), &cursor);
    told.cursor_row = (unsigned)cursor.row;
    told.cursor_column = (unsigned)cursor.col;
    got[0] = 0;
    case_tell_screen(&told, got);
    vterm_free(terminal);
}

// What libvterm can't tell is taken out of the expected lines.
static void take_common(const char *expected, char *out) {
    static const char *const unknown[] = {" faint", " invisible", " overline", " protected"};
    char line[CASE_BYTES];
    out[0] = 0;
    for (const char *at = expected; *at != 0; at += strcspn(at, "\n") + 1) {
        (void)snprintf(line, sizeof(line), "%.*s", (int)strcspn(at, "\n"), at);
        if (line[0] != '|' && strncmp(line, "cursor ", 7) != 0 && strncmp(line, "style ", 6) != 0)
            continue;
        for (unsigned i = 0; line[0] == 's' && i < sizeof(unknown) / sizeof(unknown[0]); i++) {
            char *found = strstr(line, unknown[i]);
            if (found != NULL)
                memmove(found, found + strlen(unknown[i]), strlen(found + strlen(unknown[i])) + 1);
        }
        unsigned row;
        char place[16], more[8];
        if (line[0] == 's' && sscanf(line, "style %u %15s %7s", &row, place, more) < 3)
            continue; // nothing is left of it
        strcat(strcat(out, line), "\n");
    }
}

static void print_lines(const char *label, const char *text) {
    printf("# %s\n", label);
    for (const char *at = text; *at != 0; at += strcspn(at, "\n") + 1)
        printf("#   %.*s\n", (int)strcspn(at, "\n"), at);
}

static unsigned run_file(const char *path, unsigned *number, unsigned *differing) {
    static struct terminal_case one;
    static char got[CASE_TEXT], common[CASE_TEXT];
    unsigned line = 0, failed = 0;
    const char *error;
    FILE *file = fopen(path, "r");
    if (file == NULL)
        exit(1);
    while (case_read(file, &line, &one, &error)) {
        if (strncmp(one.differs, "unsent", 6) == 0) {
            printf("ok %u - %s # SKIP %s\n", ++*number, one.name, one.differs);
            continue;
        }
        judge(&one, got);
        take_common(one.expected, common);
        bool same = strcmp(got, common) == 0, wanted = one.differs[0] == 0;
        printf("%sok %u - %s\n", same == wanted ? "" : "not ", ++*number, one.name);
        *differing += !same;
        if (same == wanted)
            continue;
        failed++;
        printf("# %s:%u: %s\n", path, one.line, same ? "it says that it differs, and does not" : "it differs");
        print_lines("expected", common);
        print_lines("libvterm", got);
    }
    (void)fclose(file);
    return failed;
}

int main(int argc, char **argv) {
    unsigned number = 0, failed = 0, differing = 0;
    for (int i = 1; i < argc; i++)
        failed += run_file(argv[i], &number, &differing);
    printf("1..%u\n# %u of %u cases differ, each with a reason in its file\n", number, differing, number);
    return failed != 0;
}
