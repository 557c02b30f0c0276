// Streams at random, of the sequences that programs send, through the engine and through libvterm at once: after
// each sequence both screens must be the same. Where libvterm is known to be of another mind (judge.c names each
// difference, with its reason) the generator goes round it. What differs is made as short as possible and
// printed in the format of cases/README.md.
//
// `test-console-random STREAMS [SEED]`: the seed of the first stream, 1 if left out. Prints TAP.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vterm.h>

#include "servers/console/engine/engine.h"
#include "tests/host/console/case_file.h"
#include "tests/host/console/terminal_harness.h"

enum { TOKENS = 400, TOKEN_BYTES = 96, SHOWN = 5 };

struct token {
    char bytes[TOKEN_BYTES];
    unsigned length;
    bool settled; // not to be sent while the last column waits: libvterm keeps the wait where xterm does not
};

struct stream {
    unsigned rows, columns, count;
    enum { PLAIN, WIDE, MARGINS } kind;
    struct token tokens[TOKENS];
};

static uint64_t random_state;

static uint32_t random_below(uint32_t limit) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 11) % limit;
}

// --- libvterm ---

static VTerm *judge_start(const struct stream *stream) {
    VTerm *terminal = vterm_new((int)stream->rows, (int)stream->columns);
    vterm_set_utf8(terminal, 1);
    vterm_screen_enable_altscreen(vterm_obtain_screen(terminal), 1);
    vterm_screen_reset(vterm_obtain_screen(terminal), 1);
    return terminal;
}

static uint32_t judge_colour(const VTermColor *colour) {
    if (VTERM_COLOR_IS_DEFAULT_FG(colour) || VTERM_COLOR_IS_DEFAULT_BG(colour))
        return COLOUR_DEFAULT;
    if (VTERM_COLOR_IS_INDEXED(colour))
        return colour_indexed(colour->indexed.idx);
    return colour_rgb(colour->rgb.red, colour->rgb.green, colour->rgb.blue);
}

static uint32_t judge_attributes(const VTermScreenCell *cell) {
    static const unsigned underlines[] = {0, CELL_UNDERLINE, CELL_UNDERLINE_DOUBLE, CELL_UNDERLINE_CURLY};
    return (cell->attrs.bold ? CELL_BOLD : 0) | (cell->attrs.italic ? CELL_ITALIC : 0) | underlines[cell->attrs.underline] |
           (cell->attrs.blink ? CELL_BLINK : 0) | (cell->attrs.reverse ? CELL_INVERSE : 0) |
           (cell->attrs.strike ? CELL_STRUCK : 0);
}

// What both can tell of a cell. Of an erased one libvterm keeps more than is seen: only the background counts.
static bool same_cell(const struct cell *own, const VTermScreenCell *cell) {
    const uint32_t known = CELL_BOLD | CELL_ITALIC | CELL_UNDERLINE | CELL_UNDERLINE_DOUBLE | CELL_UNDERLINE_CURLY | CELL_BLINK |
                           CELL_INVERSE | CELL_STRUCK;
    if (cell->chars[0] == UINT32_MAX)
        return (own->attributes & CELL_TAIL) != 0;
    if ((own->attributes & CELL_TAIL) || own->background != judge_colour(&cell->bg))
        return false;
    if (cell->chars[0] == 0)
        return own->character == ' ' && own->marks[0] == 0;
    for (unsigned i = 0; i < CELL_MARKS; i++) {
        if (own->marks[i] != cell->chars[1 + i])
            return false;
        if (own->marks[i] == 0)
            break;
    }
    return own->character == cell->chars[0] && own->foreground == judge_colour(&cell->fg) &&
           (own->attributes & known) == judge_attributes(cell);
}

static bool same_screen(const struct engine *engine, VTerm *terminal) {
    VTermScreen *screen = vterm_obtain_screen(terminal);
    VTermScreenCell cell;
    VTermPos cursor;
    vterm_state_get_cursorpos(vterm_obtain_state(terminal), &cursor);
    uint32_t column = engine->cursor.column;
    if (engine->cursor.wrap_next && column > 0 && (engine_row(engine, engine->cursor.row)[column].attributes & CELL_TAIL))
        column--; // a wide character at the edge: libvterm counts from its left half
    if ((uint32_t)cursor.row != engine->cursor.row || (uint32_t)cursor.col != column)
        return false;
    for (uint32_t row = 0; row < engine->rows; row++)
        for (column = 0; column < engine->columns; column++) {
            vterm_screen_get_cell(screen, (VTermPos){.row = (int)row, .col = (int)column}, &cell);
            if (!same_cell(engine_row(engine, row) + column, &cell))
                return false;
        }
    return true;
}

// The first token after which the screens differ; stream->count: none.
static unsigned run(const struct stream *stream, unsigned from) {
    struct harness harness;
    unsigned at = 0;
    harness_start(&harness, stream->rows, stream->columns);
    VTerm *terminal = judge_start(stream);
    for (; at < stream->count; at++) {
        if (stream->tokens[at].settled && harness.engine.cursor.wrap_next && stream->tokens[at].bytes[0] != '\r') {
            at = stream->count; // made too short
            break;
        }
        harness_write(&harness, stream->tokens[at].bytes, stream->tokens[at].length);
        vterm_input_write(terminal, stream->tokens[at].bytes, stream->tokens[at].length);
        if (!harness_sound(&harness))
            break;
        if (at >= from && !same_screen(&harness.engine, terminal))
            break;
    }
    vterm_free(terminal);
    harness_end(&harness);
    return at;
}

// --- Making streams ---

static void put(struct token *token, const char *text) {
    size_t length = strlen(text);
    memcpy(token->bytes + token->length, text, length);
    token->length += (unsigned)length;
}

static void put_number(struct token *token, uint32_t most) {
    char text[12];
    static const unsigned odd[] = {0, 0, 1, 999, 2000, 65535};
    uint32_t kind = random_below(16);
    if (kind == 0)
        return; // left out
    (void)snprintf(text, sizeof(text), "%u", kind == 1 ? odd[random_below(6)] : 1 + random_below(most));
    put(token, text);
}

static void make_text(struct token *token, const struct engine *engine, bool wide) {
    static const char *const others[] = {"é", "ß", "Ω", "ж", "€", "│", "日", "本", "한", "漢"};
    // libvterm chooses one character set for all of a text.
    uint32_t kinds = engine->cursor.charsets[engine->cursor.charset] != CHARSET_ASCII ? 0 : wide ? 10 : 6;
    uint32_t most = wide ? engine->columns / 2 : engine->columns, count = 1 + random_below(most < 20 ? most : 20);
    for (uint32_t i = 0; i < count && token->length < TOKEN_BYTES - 16; i++) {
        char plain[2] = {(char)(' ' + random_below(95)), 0};
        if (kinds == 0 && strchr("_yz", plain[0]) != NULL)
            plain[0] = 'q'; // it shows other signs for these
        put(token, kinds > 0 && random_below(12) == 0 ? others[random_below(kinds)] : plain);
    }
}

static void make_style(struct token *token) {
    static const char *const styles[] = {
        "0",  "1",  "3",  "4",  "5",  "7",   "9",  "22",  "23",  "24",       "25",       "27",         "29",
        "31", "42", "39", "49", "95", "103", "21", "4:3", "4:0", "38;5;123", "48;5;200", "38;2;1;2;3", "48;2;50;60;70",
        ""};
    put(token, "\033[");
    for (uint32_t i = random_below(3);; i--) {
        put(token, styles[random_below(sizeof(styles) / sizeof(styles[0]))]);
        if (i == 0)
            break;
        put(token, ";");
    }
    put(token, "m");
}

static bool has_region(const struct engine *engine) {
    return engine->top != 0 || engine->bottom != engine->rows - 1 || engine->left != 0 || engine->right != engine->columns - 1;
}

static void make_pair(struct token *token, const char *final, uint32_t rows, uint32_t columns) {
    put(token, "\033[");
    put_number(token, rows);
    if (random_below(8) != 0) {
        put(token, ";");
        put_number(token, columns);
    }
    put(token, final);
}

static void make_csi(struct token *token, const char *finals, uint32_t most) {
    char final[2] = {finals[random_below((uint32_t)strlen(finals))], 0};
    // libvterm makes room without a background, and none beside the scroll region.
    put(token, strchr("@P", final[0]) != NULL ? "\033[?6l\033[r\033[m" : "");
    if (strchr("@P", final[0]) != NULL)
        make_pair(token, "H", 5, 10);
    put(token, "\033[");
    put_number(token, most);
    put(token, final);
    if (final[0] == 'L' || final[0] == 'M')
        put(token, "\r"); // libvterm leaves the cursor
}

// libvterm repeats to the edge at most, and for ever if there is nothing to repeat.
static void make_repeat(struct token *token, const struct engine *engine) {
    char text[32];
    uint32_t room = engine->right - engine->left;
    (void)snprintf(text, sizeof(text), "\033[4l\rx\033[%ub", 1 + (room > 2 ? random_below(room - 2) : 0));
    put(token, room < 3 ? "x" : text);
}

// libvterm does not ignore one of less than two rows or columns.
static void make_region(struct token *token, const char *final, uint32_t size) {
    char text[32];
    uint32_t first = 1 + random_below(size - 1);
    (void)snprintf(text, sizeof(text), "%s\033[%u;%u%s", final[0] == 's' ? "\033[?69h" : "", first,
                   first + 1 + random_below(size - first), final);
    put(token, random_below(6) == 0 && final[0] == 'r' ? "\033[r" : text);
}

static void make_erasing(struct token *token) {
    static const char *const sequences[] = {"\033[K", "\033[1K", "\033[2K", "\033[J", "\033[1J", "\033[2J"};
    put(token, sequences[random_below(6)]);
}

// libvterm saves neither origin mode nor character sets with the cursor.
static const char restored[] = "\033[m\033[?6l\033(B\033)B\x0f\033[H";

static void make_mode(struct token *token) {
    static const char *const modes[] = {"4", "?6", "?7", "?1049", "?25", "?1", "20"};
    put(token, "\033[");
    const char *mode = modes[random_below(sizeof(modes) / sizeof(modes[0]))];
    put(token, mode);
    put(token, random_below(2) ? "h" : "l");
    if (strcmp(mode, "?1049") == 0) { // and it has one saved cursor for both screens
        put(token, restored);
        put(token, "\0337");
    }
}

static void make_rare(struct token *token) {
    static const char *const sequences[] = {"\033(0",
                                            "\033(B",
                                            "\033)0",
                                            "\x0e",
                                            "\x0f",
                                            "\033(A",
                                            "\033[?6l\033[m\033#8\033[r",
                                            "\033[?1049l\033c\0337",
                                            "\033H",
                                            "\033[g",
                                            "\re\xcc\x81",
                                            "\ro\xcc\x82\xcc\x83",
                                            "\033[3g",
                                            "\0337",
                                            "\0338",
                                            "\033[!p\033[m\033[4l\033[?6l\033[?7h\033[r\033(B\033)B\x0f\033[H\0337",
                                            "\033="};
    const char *sequence = sequences[random_below(sizeof(sequences) / sizeof(sequences[0]))];
    put(token, sequence);
    if (strcmp(sequence, "\0338") == 0)
        put(token, restored);
}

// Nothing is written over wide characters, since libvterm leaves half of one.
static void make_wide_token(struct token *token, const struct engine *engine) {
    uint32_t kind = random_below(10);
    token->length = 0;
    if (kind < 4)
        make_text(token, engine, true);
    else if (kind < 6)
        make_style(token);
    else if (kind < 7)
        make_region(token, "r", engine->rows);
    else
        make_csi(token, "LMST", 3);
    put(token, "\r\n\033[2K");
}

// Of left and right margins libvterm knows what scrolls and what moves cells: not CR, not wrapping, not what stops
// the cursor. So each sequence says first where it is sent from.
static void make_margins_token(struct token *token, const struct engine *engine) {
    static const char *const finals[] = {"@", "P", "L", "M", "S", "T", "X", "'}", "'~"};
    char text[32];
    uint32_t kind = random_below(20), column = random_below(engine->columns),
             row = engine->top + random_below(engine->bottom + 1 - engine->top),
             last = column <= engine->right ? engine->right : engine->columns - 1;
    token->length = 0;
    if (kind < 1)
        make_region(token, "s", engine->columns);
    else if (kind < 2)
        make_region(token, "r", engine->rows);
    (void)snprintf(text, sizeof(text), "\033[%u;%uH", 1 + row, 1 + column);
    put(token, text);
    if (kind < 4) {
        make_style(token);
    } else if (kind < 9) {
        for (uint32_t i = column; i < last && i < column + 8; i++)
            put(token, (const char[2]){(char)('!' + random_below(94)), 0});
    } else if (kind < 11 && column >= engine->left && column <= engine->right) {
        put(token, random_below(2) ? "\033D" : "\033M");
    } else if (kind < 13) {
        make_erasing(token);
    } else {
        (void)snprintf(text, sizeof(text), "\033[m\033[%u%s", 1 + random_below(5), finals[random_below(9)]);
        put(token, text);
    }
    put(token, "\033[H");
}

static void make_token(struct token *token, const struct engine *engine) {
    static const char *const controls[] = {"\r", "\n", "\r\n", "\b", "\t", "\v", "\f", "\033D", "\033M", "\033E"};
    uint32_t kind = random_below(100);
    token->length = 0;
    token->settled = kind >= 30;
    if (token->settled && engine->cursor.wrap_next) {
        put(token, "\r");
        return;
    }
    if (kind < 30)
        make_text(token, engine, false);
    else if (kind < 45)
        put(token, controls[random_below(sizeof(controls) / sizeof(controls[0]))]);
    else if (kind < 52)
        make_style(token);
    else if (kind < 60)
        make_pair(token, random_below(4) ? "H" : "f", engine->rows + 1, engine->columns + 1);
    else if (kind < 68)
        make_csi(token, has_region(engine) ? "Gd`aeIZ" : "ABCDEFGd`aeIZ", 1 + engine->columns / 2);
    else if (kind < 74)
        make_erasing(token);
    else if (kind < 84)
        make_csi(token, "@PXLMST", 6);
    else if (kind < 86)
        make_repeat(token, engine);
    else if (kind < 90)
        make_region(token, "r", engine->rows);
    else if (kind < 96)
        make_mode(token);
    else
        make_rare(token);
}

static void make_stream(struct stream *stream, uint64_t seed) {
    struct harness harness;
    random_state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    for (int i = 0; i < 8; i++)
        (void)random_below(2);
    stream->rows = 2 + random_below(9);
    stream->columns = 4 + random_below(20);
    stream->count = TOKENS;
    stream->kind = random_below(6) == 0 ? WIDE : random_below(6) == 0 ? MARGINS : PLAIN;
    memset(stream->tokens, 0, sizeof(stream->tokens));
    harness_start(&harness, stream->rows, stream->columns);
    for (unsigned i = 0; i < stream->count; i++) {
        if (i == 0)
            put(&stream->tokens[i], "\0337"); // libvterm restores colours of its own when none were saved
        else if (stream->kind == MARGINS)
            make_margins_token(&stream->tokens[i], &harness.engine);
        else if (stream->kind == WIDE)
            make_wide_token(&stream->tokens[i], &harness.engine);
        else
            make_token(&stream->tokens[i], &harness.engine);
        harness_write(&harness, stream->tokens[i].bytes, stream->tokens[i].length);
    }
    harness_end(&harness);
}

// --- Making them short ---

static void shorten(struct stream *stream) {
    stream->count = run(stream, 0) + 1;
    for (unsigned length = stream->count / 2; length > 0; length /= 2)
        for (unsigned at = 1; at + length < stream->count;) {
            static struct stream shorter;
            shorter = *stream;
            memmove(shorter.tokens + at, shorter.tokens + at + length, (shorter.count - at - length) * sizeof(struct token));
            shorter.count -= length;
            unsigned failed = run(&shorter, 0);
            if (failed < shorter.count) {
                shorter.count = failed + 1;
                *stream = shorter;
            } else {
                at += length;
            }
        }
    // Texts, character by character.
    for (unsigned i = 0; i < stream->count; i++)
        for (unsigned at = 0; at < stream->tokens[i].length;) {
            static struct stream shorter;
            shorter = *stream;
            struct token *token = &shorter.tokens[i];
            if ((unsigned char)token->bytes[0] < 0x20 || token->length == 1 || (token->bytes[at] & 0x80)) {
                at++;
                continue;
            }
            memmove(token->bytes + at, token->bytes + at + 1, token->length - at - 1);
            token->length--;
            if (run(&shorter, shorter.count - 1) < shorter.count)
                *stream = shorter;
            else
                at++;
        }
}

static void judge_cell(void *context, unsigned row, unsigned column, struct case_cell *out) {
    VTermScreenCell cell;
    vterm_screen_get_cell(context, (VTermPos){.row = (int)row, .col = (int)column}, &cell);
    memset(out, 0, sizeof(*out));
    for (unsigned i = 0; i < VTERM_MAX_CHARS_PER_CELL && cell.chars[i] != 0; i++)
        out->characters[i] = cell.chars[i];
    if (cell.chars[0] == 0)
        out->characters[0] = ' ';
    if (cell.chars[0] == UINT32_MAX)
        out->characters[0] = 0;
    uint32_t colours[] = {judge_colour(&cell.fg), judge_colour(&cell.bg)};
    out->attributes = judge_attributes(&cell);
    for (unsigned i = 0; i < 2; i++)
        if (colours[i] != COLOUR_DEFAULT)
            (void)snprintf(i == 0 ? out->foreground : out->background, 16, "%x", colours[i]);
}

static void print_lines(const char *label, const char *text) {
    printf("# %s\n", label);
    for (const char *at = text; *at != 0; at += strcspn(at, "\n") + 1)
        printf("#   %.*s\n", (int)strcspn(at, "\n"), at);
}

static void print_stream(const struct stream *stream) {
    static char text[CASE_TEXT];
    struct harness harness;
    char bytes[TOKENS * TOKEN_BYTES];
    size_t length = 0;
    harness_start(&harness, stream->rows, stream->columns);
    VTerm *terminal = judge_start(stream);
    VTermScreen *screen = vterm_obtain_screen(terminal);
    for (unsigned i = 0; i < stream->count; i++) {
        memcpy(bytes + length, stream->tokens[i].bytes, stream->tokens[i].length);
        length += stream->tokens[i].length;
    }
    harness_write(&harness, bytes, length);
    vterm_input_write(terminal, bytes, length);
    VTermPos cursor;
    vterm_state_get_cursorpos(vterm_obtain_state(terminal), &cursor);
    struct case_screen told = {.rows = stream->rows,
                               .columns = stream->columns,
                               .cursor_row = (unsigned)cursor.row,
                               .cursor_column = (unsigned)cursor.col,
                               .cell = judge_cell,
                               .context = screen};
    text[0] = 0;
    (void)sprintf(text, "size %u %u\n", stream->rows, stream->columns);
    case_tell_bytes("in", bytes, length, text);
    print_lines("stream", text);
    harness_tell(&harness, text);
    print_lines("here", text);
    text[0] = 0;
    case_tell_screen(&told, text);
    print_lines("libvterm", text);
    vterm_free(terminal);
    harness_end(&harness);
}

int main(int argc, char **argv) {
    static struct stream stream;
    uint64_t streams = argc > 1 ? strtoull(argv[1], NULL, 10) : 100, first = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    uint64_t differing = 0;
    for (uint64_t seed = first; seed < first + streams; seed++) {
        make_stream(&stream, seed);
        if (run(&stream, 0) == stream.count)
            continue;
        if (differing++ < SHOWN) {
            shorten(&stream);
            printf("# seed %llu\n", (unsigned long long)seed);
            print_stream(&stream);
        }
    }
    printf("%sok 1 - streams at random\n1..1\n# %llu streams of %u sequences, %llu differ\n", differing > 0 ? "not " : "",
           (unsigned long long)streams, TOKENS, (unsigned long long)differing);
    return differing > 0;
}
