// less: shows text a page at a time, forwards and backwards, with a search by regular expression. All of the
// text is kept in memory as it is read; nothing is read before it is needed. Keys come from the terminal at
// standard output or error, so that text may come in by a pipe.
#define _DEFAULT_SOURCE // the build machine shows what is beyond POSIX only then
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <regex.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "programs/common/buffer.h"
#include "programs/common/program.h"
#include "programs/common/terminal.h"
#include "programs/common/utf8.h"

enum { TAB = 8, BLOCK = 16384 };

struct pager {
    const char *name;
    int input, keys;
    bool at_end; // all of the input was read
    struct buffer text;
    size_t *lines; // where each begins
    size_t line_count, line_capacity;
    int rows, columns;
    size_t top;  // the first line shown
    size_t left; // columns out of view at the left, if lines are chopped
    bool chop, numbers, raw;
    regex_t pattern;
    bool has_pattern, backwards;
    char message[128];
};

static void line_add(struct pager *pager, size_t start) {
    if (pager->line_count == pager->line_capacity) {
        pager->line_capacity = pager->line_capacity ? 2 * pager->line_capacity : 1024;
        pager->lines = memory_resize(pager->lines, pager->line_capacity * sizeof(*pager->lines));
    }
    pager->lines[pager->line_count++] = start;
}

// Reads on until there are so many lines, or the input ends.
static void read_lines(struct pager *pager, size_t wanted) {
    char block[BLOCK];
    while (!pager->at_end && pager->line_count <= wanted) {
        ssize_t count = read(pager->input, block, sizeof(block));
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0) {
            pager->at_end = true;
            if (pager->line_count > 0 && pager->lines[pager->line_count - 1] == pager->text.length)
                pager->line_count--; // nothing follows the last newline
            return;
        }
        size_t before = pager->text.length;
        if (before == 0)
            line_add(pager, 0);
        buffer_append(&pager->text, block, (size_t)count);
        for (size_t i = before; i < pager->text.length; i++)
            if (pager->text.data[i] == '\n')
                line_add(pager, i + 1);
    }
}

static bool has_line(struct pager *pager, size_t line) {
    read_lines(pager, line + 1);
    return line < pager->line_count;
}

static const char *line_text(const struct pager *pager, size_t line, size_t *length) {
    size_t start = pager->lines[line], end = line + 1 < pager->line_count ? pager->lines[line + 1] : pager->text.length;
    while (end > start && (pager->text.data[end - 1] == '\n' || pager->text.data[end - 1] == '\r'))
        end--;
    *length = end - start;
    return pager->text.data + start;
}

// --- Drawing ---

static bool matches(const struct pager *pager, const char *text, size_t length, size_t from, regmatch_t *match) {
    if (!pager->has_pattern || from > length)
        return false;
    char *copy = memory_allocate(length - from + 1);
    memcpy(copy, text + from, length - from);
    copy[length - from] = 0;
    bool found = regexec(&pager->pattern, copy, 1, match, from > 0 ? REG_NOTBOL : 0) == 0;
    free(copy);
    match->rm_so += (regoff_t)from;
    match->rm_eo += (regoff_t)from;
    return found;
}

// A style sequence (CSI ... m) at `text`: its length, else 0.
static size_t style_length(const char *text, size_t length) {
    if (length < 3 || text[0] != '\033' || text[1] != '[')
        return 0;
    for (size_t i = 2; i < length; i++) {
        if (text[i] == 'm')
            return i + 1;
        if ((text[i] < '0' || text[i] > '9') && text[i] != ';' && text[i] != ':')
            return 0;
    }
    return 0;
}

struct output {
    struct buffer *out;
    size_t column, left, columns; // `left`: columns that are not shown
    int rows, rows_left;
    bool chop;
};

// One character of `width` columns; wraps, or drops what does not fit. False: there is no room left.
static bool put(struct output *output, const char *bytes, size_t length, size_t width) {
    if (!output->chop && output->column + width > output->columns) {
        if (output->rows + 1 >= output->rows_left)
            return false;
        buffer_append_text(output->out, "\033[K\r\n");
        output->column = 0;
        output->rows++;
    }
    bool visible = !output->chop || (output->column >= output->left && output->column + width <= output->left + output->columns);
    if (visible)
        buffer_append(output->out, bytes, length);
    output->column += width;
    return true;
}

static bool put_character(struct output *output, const char *text, size_t size, uint32_t code) {
    char caret[] = "^@";
    if (code == '\t') {
        size_t blanks = TAB - output->column % TAB;
        for (size_t i = 0; i < blanks; i++)
            if (!put(output, " ", 1, 1))
                return false;
        return true;
    }
    if (code < 32 || code == 127) {
        caret[1] = (char)(code ^ 64);
        buffer_append_text(output->out, "\033[7m");
        bool done = put(output, caret, 2, 2);
        buffer_append_text(output->out, "\033[27m");
        return done;
    }
    if (code >= UTF8_INVALID)
        return put(output, "\357\277\275", 3, 1);
    return put(output, text, size, (size_t)utf8_width(code));
}

// One line of the text, on at most `rows_left` rows; returns how many it took.
static int draw_line(struct pager *pager, size_t line, int rows_left, struct buffer *out) {
    size_t length, size;
    const char *text = line_text(pager, line, &length);
    struct output output = {
        .out = out, .left = pager->left, .columns = (size_t)pager->columns, .rows_left = rows_left, .chop = pager->chop};
    regmatch_t match;
    bool found = matches(pager, text, length, 0, &match), shown = false;
    if (pager->numbers) {
        char number[16];
        (void)snprintf(number, sizeof(number), "%7zu ", line + 1);
        for (const char *at = number; *at; at++)
            (void)put(&output, at, 1, 1);
    }
    for (size_t at = 0; at < length; at += size) {
        uint32_t code;
        size_t style = pager->raw ? style_length(text + at, length - at) : 0;
        if (found && !shown && at >= (size_t)match.rm_so && match.rm_eo > match.rm_so) {
            buffer_append_text(out, "\033[7m");
            shown = true;
        }
        if (shown && at >= (size_t)match.rm_eo) {
            buffer_append_text(out, "\033[27m");
            shown = false;
            found = matches(pager, text, length, at, &match);
            size = 0;
            continue;
        }
        size = style ? style : utf8_decode(text + at, length - at, &code);
        if (style)
            buffer_append(out, text + at, style);
        else if (!put_character(&output, text + at, size, code))
            break;
    }
    buffer_append_text(out, shown || pager->raw ? "\033[m\033[K\r\n" : "\033[K\r\n");
    return output.rows + 1;
}

static void draw_status(const struct pager *pager, size_t below, struct buffer *out) {
    if (pager->message[0] != 0) {
        buffer_format(out, "\033[7m%s\033[m\033[K", pager->message);
        return;
    }
    if (pager->at_end && below >= pager->line_count)
        buffer_format(out, "\033[7m%s (END)\033[m\033[K", pager->name);
    else if (pager->at_end)
        buffer_format(out, "\033[7m%s  lines %zu-%zu of %zu  %zu%%\033[m\033[K", pager->name, pager->top + 1, below,
                      pager->line_count, 100 * below / pager->line_count);
    else
        buffer_format(out, "\033[7m%s  lines %zu-%zu\033[m\033[K", pager->name, pager->top + 1, below);
}

static void draw(struct pager *pager) {
    struct buffer out;
    buffer_init(&out);
    terminal_size(STDOUT_FILENO, &pager->rows, &pager->columns);
    buffer_append_text(&out, "\033[?25l\033[H");
    size_t line = pager->top;
    int rows = pager->rows > 1 ? pager->rows - 1 : 1;
    while (rows > 0 && has_line(pager, line))
        rows -= draw_line(pager, line++, rows, &out);
    for (; rows > 0; rows--)
        buffer_append_text(&out, "~\033[K\r\n");
    draw_status(pager, line, &out);
    buffer_append_text(&out, "\033[?25h");
    descriptor_write(STDOUT_FILENO, out.data, out.length);
    buffer_free(&out);
    pager->message[0] = 0;
}

// --- Moving ---

// The last line that may be at the top: so that the end fills the screen.
static size_t last_top(struct pager *pager) {
    struct buffer unseen;
    buffer_init(&unseen);
    read_lines(pager, SIZE_MAX - 1);
    size_t line = pager->line_count;
    for (int rows = pager->rows - 1; line > 0; line--) {
        rows -= draw_line(pager, line - 1, pager->rows, &unseen);
        buffer_clear(&unseen);
        if (rows < 0)
            break;
    }
    buffer_free(&unseen);
    return line < pager->line_count || line == 0 ? line : line - 1;
}

static void move(struct pager *pager, long lines) {
    if (lines < 0) {
        pager->top = pager->top > (size_t)-lines ? pager->top - (size_t)-lines : 0;
        return;
    }
    size_t wanted = pager->top + (size_t)lines;
    if (!has_line(pager, wanted + (size_t)pager->rows)) {
        size_t most = last_top(pager);
        wanted = wanted > most ? (pager->top > most ? pager->top : most) : wanted;
    }
    pager->top = wanted;
}

static void find_again(struct pager *pager, bool backwards) {
    size_t line = pager->top, length;
    regmatch_t match;
    if (!pager->has_pattern) {
        (void)snprintf(pager->message, sizeof(pager->message), "nothing to search for");
        return;
    }
    for (;;) {
        if (backwards ? line-- == 0 : !has_line(pager, ++line))
            break;
        const char *text = line_text(pager, line, &length);
        if (matches(pager, text, length, 0, &match)) {
            pager->top = line;
            return;
        }
    }
    (void)snprintf(pager->message, sizeof(pager->message), "not found");
}

// A line of text at the bottom. False: given up.
static bool ask(struct pager *pager, const char *prompt, struct buffer *answer) {
    for (;;) {
        struct buffer out;
        buffer_init(&out);
        buffer_format(&out, "\033[%d;1H%s%s\033[K", pager->rows, prompt, answer->data);
        descriptor_write(STDOUT_FILENO, out.data, out.length);
        buffer_free(&out);
        uint32_t key = terminal_key_read(pager->keys, -1);
        if (key == '\r')
            return true;
        if (key == 27 || key == KEY_CONTROL('C') || key == KEY_CLOSED ||
            ((key == 127 || key == KEY_CONTROL('H')) && answer->length == 0))
            return false;
        if (key == 127 || key == KEY_CONTROL('H')) {
            size_t start = utf8_previous(answer->data, answer->length);
            buffer_replace(answer, start, answer->length - start, NULL, 0);
        } else if (key >= 32 && key < KEY_NONE) {
            char bytes[4];
            buffer_append(answer, bytes, utf8_encode(key, bytes));
        }
    }
}

static void find(struct pager *pager, bool backwards) {
    struct buffer answer;
    buffer_init(&answer);
    pager->backwards = backwards;
    if (ask(pager, backwards ? "?" : "/", &answer)) {
        if (answer.length > 0) {
            if (pager->has_pattern)
                regfree(&pager->pattern);
            pager->has_pattern = regcomp(&pager->pattern, answer.data, REG_EXTENDED) == 0;
            if (!pager->has_pattern)
                (void)snprintf(pager->message, sizeof(pager->message), "not a regular expression");
        }
        if (pager->message[0] == 0)
            find_again(pager, backwards);
    }
    buffer_free(&answer);
}

static void help(struct pager *pager) {
    static const char text[] = "\033[H\033[2J  space f PgDn   a page forward      / ?    search forward, backward\r\n"
                               "  b PgUp         a page back         n N    the same again, the other way\r\n"
                               "  d u            half a page         g G    to the start, to the end\r\n"
                               "  j k arrows     a line              S      chop long lines, or wrap them\r\n"
                               "  left right     sideways (chopped)  l      line numbers\r\n"
                               "  r              draw again          q      leave\r\n\r\n  A key goes on.";
    descriptor_write(STDOUT_FILENO, text, sizeof(text) - 1);
    (void)terminal_key_read(pager->keys, -1);
}

static void mouse(struct pager *pager) {
    if (terminal_mouse.button == MOUSE_WHEEL_UP)
        move(pager, -3);
    else if (terminal_mouse.button == MOUSE_WHEEL_DOWN)
        move(pager, 3);
}

static void move_by_key(struct pager *pager, uint32_t key) {
    long page = pager->rows > 2 ? pager->rows - 2 : 1;
    if (key == ' ' || key == 'f' || key == KEY_PAGE_DOWN || key == KEY_CONTROL('F'))
        move(pager, page);
    else if (key == 'b' || key == KEY_PAGE_UP || key == KEY_CONTROL('B'))
        move(pager, -page);
    else if (key == 'd' || key == KEY_CONTROL('D'))
        move(pager, page / 2);
    else if (key == 'u' || key == KEY_CONTROL('U'))
        move(pager, -(page / 2));
    else if (key == 'j' || key == 'e' || key == KEY_DOWN || key == '\r')
        move(pager, 1);
    else if (key == 'k' || key == 'y' || key == KEY_UP)
        move(pager, -1);
    else if (key == 'g' || key == '<' || key == KEY_HOME)
        pager->top = 0;
    else if (key == 'G' || key == '>' || key == KEY_END)
        pager->top = last_top(pager);
    else if (key == KEY_RIGHT && pager->chop)
        pager->left += 8;
    else if (key == KEY_LEFT)
        pager->left -= pager->left < 8 ? pager->left : 8;
}

// False: leave.
static bool handle(struct pager *pager, uint32_t key) {
    switch (key) {
    case 'q':
    case 'Q':
    case KEY_CLOSED:
    case KEY_CONTROL('C'):
        return false;
    case '/':
    case '?':
        find(pager, key == '?');
        break;
    case 'n':
    case 'N':
        find_again(pager, pager->backwards != (key == 'N'));
        break;
    case 'S':
        pager->chop = !pager->chop;
        pager->left = 0;
        break;
    case 'l':
        pager->numbers = !pager->numbers;
        break;
    case 'h':
        help(pager);
        break;
    case KEY_MOUSE:
        mouse(pager);
        break;
    default:
        move_by_key(pager, key);
    }
    return true;
}

static void size_changed(int signal) {
    (void)signal; // the wait for a key ends, and the next drawing asks for the size
}

static void page(struct pager *pager) {
    struct termios saved;
    pager->keys = isatty(STDIN_FILENO) && pager->input != STDIN_FILENO ? STDIN_FILENO
                  : isatty(STDERR_FILENO)                              ? STDERR_FILENO
                                                                       : STDOUT_FILENO;
    if (!terminal_raw_begin(pager->keys, &saved, 0))
        program_fail("terminal", "%s", error_text(errno));
    struct sigaction action = {.sa_handler = size_changed};
    (void)sigaction(SIGWINCH, &action, NULL);
    descriptor_write(STDOUT_FILENO, "\033[?1049h", 8);
    terminal_mouse_reports(STDOUT_FILENO, true);
    uint32_t key;
    do {
        draw(pager);
        key = terminal_key_read(pager->keys, -1);
    } while (handle(pager, key));
    terminal_mouse_reports(STDOUT_FILENO, false);
    descriptor_write(STDOUT_FILENO, "\033[?1049l", 8);
    terminal_raw_end(pager->keys, &saved);
}

// Where there is no terminal it is cat.
static int copy(int input) {
    char block[BLOCK];
    ssize_t count;
    while ((count = read(input, block, sizeof(block))) > 0)
        if (!descriptor_write(STDOUT_FILENO, block, (size_t)count))
            return 1;
    return count < 0;
}

int main(int argc, char **argv) {
    struct pager pager = {.name = "(standard input)", .input = STDIN_FILENO, .raw = true};
    program_start(argc, argv, "[-NS] [FILE]", "  -N  number lines   -S  chop long lines\nKeys: h shows them, q leaves.\n");
    for (int option; (option = program_option("NSR")) != -1;) {
        pager.numbers |= option == 'N';
        pager.chop |= option == 'S';
    }
    if (program_operand_count > 1)
        program_usage_error("only one file");
    if (program_operand_count == 1) {
        pager.name = program_operands[0];
        pager.input = open(pager.name, O_RDONLY);
        if (pager.input < 0)
            program_fail(pager.name, "%s", error_text(errno));
    } else if (isatty(STDIN_FILENO)) {
        program_usage_error("a file is needed");
    }
    if (!isatty(STDOUT_FILENO))
        return program_end(copy(pager.input));
    buffer_init(&pager.text);
    page(&pager);
    buffer_free(&pager.text);
    free(pager.lines);
    if (pager.has_pattern)
        regfree(&pager.pattern);
    return program_end(0);
}
