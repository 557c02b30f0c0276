// The cases of the terminal engine (tests/host/console/cases) through the console of a running system: each is written to a
// screen, with its size, and the screen is read back, cell by cell. Of what a case expects, all that a program can see is
// compared: text, cursor, styles, answers. test_terminal_cases.py puts it onto a disk, with the cases. Prints TAP.
//
// terminal_cases TERMINAL FILE...
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "servers/console/engine/cell.h"
#include "tests/host/console/case_file.h"

enum { COLUMNS_MOST = 512, ROWS_MOST = 64 };

static struct screen_cell screen[ROWS_MOST][COLUMNS_MOST];
static struct screen_cells row;
static int terminal;

static _Noreturn void fail(const char *what) {
    printf("Bail out! %s\n", what);
    exit(1);
}

static void resize(unsigned rows, unsigned columns) {
    const struct winsize size = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns};
    if (ioctl(terminal, TIOCSWINSZ, &size) != 0)
        fail("the terminal does not take this size");
}

static void send(const char *bytes, size_t count) {
    while (count > 0) {
        ssize_t done = write(terminal, bytes, count);
        if (done <= 0)
            fail("the terminal can't be written to");
        bytes += done;
        count -= (size_t)done;
    }
}

static void read_screen(void) {
    row.row = 0;
    do {
        row.cells = screen[row.row];
        row.count = COLUMNS_MOST;
        if (ioctl(terminal, KDCELLS, &row) != 0)
            fail("the screen can't be read");
    } while (++row.row < row.rows && row.row < ROWS_MOST);
}

static void tell_colour(uint32_t colour, char *text) {
    text[0] = 0;
    if (colour & COLOUR_TRUE)
        (void)snprintf(text, 16, "#%06x", colour & 0xffffff);
    else if (colour != COLOUR_DEFAULT)
        (void)snprintf(text, 16, "%u", (colour - 1) & 0xff);
}

static void tell_cell(void *context, unsigned at, unsigned column, struct case_cell *out) {
    static const unsigned attributes[][2] = {{CELL_BOLD, CASE_BOLD},           {CELL_FAINT, CASE_FAINT},
                                             {CELL_ITALIC, CASE_ITALIC},       {CELL_UNDERLINE, CASE_UNDERLINE},
                                             {CELL_BLINK, CASE_BLINK},         {CELL_INVERSE, CASE_INVERSE},
                                             {CELL_INVISIBLE, CASE_INVISIBLE}, {CELL_STRUCK, CASE_STRUCK},
                                             {CELL_OVERLINE, CASE_OVERLINE},   {CELL_UNDERLINE_DOUBLE, CASE_DOUBLE},
                                             {CELL_PROTECTED, CASE_PROTECTED}, {CELL_UNDERLINE_CURLY, CASE_CURLY}};
    const struct screen_cell *cell = &screen[at][column];
    (void)context;
    memset(out, 0, sizeof(*out));
    if (!(cell->attributes & CELL_TAIL)) {
        out->characters[0] = cell->character;
        for (unsigned i = 0; i < CELL_MARKS; i++)
            out->characters[1 + i] = cell->marks[i];
    }
    for (unsigned i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++)
        if (cell->attributes & attributes[i][0])
            out->attributes |= attributes[i][1];
    tell_colour(cell->foreground, out->foreground);
    tell_colour(cell->background, out->background);
}

// What a program at the terminal can see of what is expected.
static void take_visible(const char *expected, char *out) {
    out[0] = 0;
    for (const char *at = expected; *at != 0; at += strcspn(at, "\n") + 1)
        if (*at == '|' || strncmp(at, "cursor ", 7) == 0 || strncmp(at, "style ", 6) == 0 || strncmp(at, "reply ", 6) == 0)
            (void)snprintf(out + strlen(out), CASE_TEXT - strlen(out), "%.*s\n", (int)strcspn(at, "\n"), at);
}

static void run(const struct terminal_case *one, char *got) {
    char answers[1024];
    send("\033c\033[3J", 6);
    resize(one->rows, one->columns);
    (void)tcflush(terminal, TCIFLUSH);
    for (unsigned i = 0; i < one->step_count; i++) {
        const struct case_step *step = &one->steps[i];
        if (step->is_resize)
            resize(step->rows, step->columns);
        else
            send(one->bytes + step->start, step->length);
    }
    read_screen();
    const struct case_screen told = {.rows = (unsigned)row.rows,
                                     .columns = (unsigned)row.columns,
                                     .cursor_row = (unsigned)row.cursor_row,
                                     .cursor_column = (unsigned)row.cursor_column,
                                     .cell = tell_cell};
    got[0] = 0;
    case_tell_screen(&told, got);
    ssize_t count = read(terminal, answers, sizeof(answers));
    if (count > 0)
        case_tell_bytes("reply", answers, (size_t)count, got);
}

static void print_lines(const char *label, const char *text) {
    printf("# %s\n", label);
    for (const char *at = text; *at != 0; at += strcspn(at, "\n") + 1)
        printf("#   %.*s\n", (int)strcspn(at, "\n"), at);
}

static unsigned run_file(const char *path, unsigned *number) {
    static struct terminal_case one;
    static char got[CASE_TEXT], visible[CASE_TEXT];
    unsigned line = 0, failed = 0;
    const char *error;
    FILE *file = fopen(path, "r");
    if (file == NULL)
        fail(path);
    while (case_read(file, &line, &one, &error)) {
        run(&one, got);
        take_visible(one.expected, visible);
        bool same = strcmp(got, visible) == 0;
        ++*number;
        failed += !same;
        if (same)
            continue;
        printf("not ok %u - %s\n# %s:%u\n", *number, one.name, path, one.line);
        print_lines("expected", visible);
        print_lines("got", got);
    }
    (void)fclose(file);
    if (error != NULL)
        fail(error);
    return failed;
}

int main(int argc, char **argv) {
    struct termios saved, raw;
    struct winsize size;
    unsigned number = 0, failed = 0;
    if (argc < 3 || (terminal = open(argv[1], O_RDWR | O_NOCTTY)) < 0 || tcgetattr(terminal, &saved) != 0 ||
        ioctl(terminal, TIOCGWINSZ, &size) != 0)
        fail("a terminal and files are needed");
    raw = saved;
    cfmakeraw(&raw);
    raw.c_cc[VMIN] = 0;
    (void)tcsetattr(terminal, TCSANOW, &raw);
    for (int i = 2; i < argc; i++)
        failed += run_file(argv[i], &number);
    send("\033c", 2);
    resize(size.ws_row, size.ws_col);
    (void)tcsetattr(terminal, TCSAFLUSH, &saved);
    printf("1..%u\n# %u failed\n", number, failed);
    return failed != 0;
}
