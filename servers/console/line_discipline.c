// See line_discipline.h. Where POSIX leaves it open the behaviour is Linux's: ECHOCTL, ECHOKE, IUTF8,
// IMAXBEL, word erase.
#include "servers/console/line_discipline.h"

#include <string.h>
#include <termios.h>

#include "servers/console/engine/width.h"

enum { CHARACTER_OFF = 0, QUEUE_END = 0x100, QUEUE_EMPTY = 0x200, TAB_COLUMNS = 8, DELETE = 0x7f, BELL = 7, MARK = 0xff };
enum { SIGNAL_INTERRUPT = 2, SIGNAL_QUIT = 3, SIGNAL_STOP = 20 };

static bool local(const struct line_discipline *line, uint32_t flag) {
    return (line->settings.local & flag) != 0;
}

static bool canonical(const struct line_discipline *line) {
    return local(line, ICANON);
}

// A character of c_cc that is not switched off.
static bool is(const struct line_discipline *line, unsigned index, char byte) {
    return line->settings.characters[index] != CHARACTER_OFF && line->settings.characters[index] == (uint8_t)byte;
}

void line_initialize(struct line_discipline *line, const struct line_events *events, void *context) {
    memset(line, 0, sizeof(*line));
    line->events = events;
    line->context = context;
    line->settings = (struct terminal_attributes){
        .input = ICRNL | IXON | IUTF8 | IMAXBEL,
        .output = OPOST | ONLCR,
        .control = CS8 | CREAD | HUPCL | B38400,
        .local = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
        .input_speed = 115200,
        .output_speed = 115200,
    };
    uint8_t *characters = line->settings.characters;
    characters[VINTR] = 3;
    characters[VQUIT] = 28;
    characters[VERASE] = DELETE;
    characters[VKILL] = 21;
    characters[VEOF] = 4;
    characters[VMIN] = 1;
    characters[VSTART] = 17;
    characters[VSTOP] = 19;
    characters[VSUSP] = 26;
    characters[VREPRINT] = 18;
    characters[VDISCARD] = 15;
    characters[VWERASE] = 23;
    characters[VLNEXT] = 22;
}

// --- The queue ---

static uint32_t queue_filled(const struct line_discipline *line) {
    return line->queue_tail - line->queue_head;
}

static uint16_t queue_at(const struct line_discipline *line, uint32_t position) {
    return line->queue[position % LINE_QUEUE];
}

static void queue_push(struct line_discipline *line, uint16_t entry) {
    line->queue[line->queue_tail++ % LINE_QUEUE] = entry;
    line->queue_ends += (entry & QUEUE_END) != 0;
}

static void line_to_queue(struct line_discipline *line, bool ended) {
    for (uint32_t i = 0; i < line->line_length; i++) {
        bool last = i + 1 == line->line_length;
        queue_push(line, (uint16_t)((uint8_t)line->line[i] | (last && ended ? QUEUE_END : 0)));
    }
    line->line_length = 0;
}

bool line_readable(const struct line_discipline *line) {
    return canonical(line) ? line->queue_ends > 0 : queue_filled(line) > 0;
}

// IXOFF: the sender is told to stop when there is little room, and to go on when there is much.
static void tell_sender(struct line_discipline *line) {
    uint32_t filled = queue_filled(line) + line->line_length;
    bool stop = line->sender_stopped ? filled > LINE_QUEUE / 4 : filled > LINE_QUEUE - LINE_QUEUE / 8;
    if (!(line->settings.input & IXOFF))
        stop = false;
    if (stop == line->sender_stopped)
        return;
    line->sender_stopped = stop;
    line->events->echo(line->context, (const char *)&line->settings.characters[stop ? VSTOP : VSTART], 1);
}

size_t line_available(const struct line_discipline *line) {
    size_t count = 0;
    if (canonical(line) && line->queue_ends == 0)
        return 0;
    for (uint32_t at = line->queue_head; at != line->queue_tail; at++) {
        uint16_t entry = queue_at(line, at);
        count += !(entry & QUEUE_EMPTY);
        if (canonical(line) && (entry & QUEUE_END))
            break;
    }
    return count;
}

size_t line_peek(const struct line_discipline *line, char *bytes, size_t size) {
    size_t count = 0;
    for (uint32_t at = line->queue_head; at != line->queue_tail && count < size; at++) {
        uint16_t entry = queue_at(line, at);
        if (!(entry & QUEUE_EMPTY))
            bytes[count++] = (char)entry;
        if (canonical(line) && (entry & QUEUE_END))
            break;
    }
    return count;
}

void line_consume(struct line_discipline *line, size_t count) {
    bool ended = false;
    while (line->queue_head != line->queue_tail && !(canonical(line) && ended)) {
        uint16_t entry = queue_at(line, line->queue_head);
        if (!(entry & QUEUE_EMPTY)) {
            if (count == 0)
                break;
            count--;
        } else if (canonical(line) && count > 0) {
            return; // an end of file on its own is read by itself
        }
        ended = (entry & QUEUE_END) != 0;
        line->queue_ends -= ended;
        line->queue_head++;
    }
    tell_sender(line);
}

void line_flush_input(struct line_discipline *line) {
    line->queue_head = line->queue_tail;
    line->queue_ends = 0;
    line->line_length = 0;
    line->literal_next = false;
    tell_sender(line);
}

// --- Echo ---

static void show(struct line_discipline *line, const char *bytes, size_t count) {
    line->events->echo(line->context, bytes, count);
}

static bool is_continuation(char byte) {
    return ((uint8_t)byte & 0xc0) == 0x80;
}

static bool is_control(char byte) {
    return (uint8_t)byte < 0x20 || byte == DELETE;
}

// The character that begins at `bytes`; *length in bytes, 1 if it is not UTF-8.
static uint32_t decode(const char *bytes, size_t count, size_t *length) {
    uint8_t first = (uint8_t)bytes[0];
    size_t wanted = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1;
    uint32_t value = wanted == 1 ? first : first & (0x7fu >> wanted);
    *length = 1;
    if (wanted > count)
        return first;
    for (size_t i = 1; i < wanted; i++) {
        if (!is_continuation(bytes[i]))
            return first;
        value = value << 6 | ((uint8_t)bytes[i] & 0x3f);
    }
    *length = wanted;
    return value;
}

// Columns that the line up to byte `end` takes, from the column where it starts.
static uint32_t column_at(const struct line_discipline *line, uint32_t end) {
    uint32_t column = line->line_start_column;
    for (uint32_t at = 0; at < end;) {
        size_t length = 1;
        char byte = line->line[at];
        if (byte == '\t') {
            column += TAB_COLUMNS - column % TAB_COLUMNS;
        } else if (is_control(byte)) {
            column += local(line, ECHOCTL) ? 2 : 0;
        } else if ((line->settings.input & IUTF8) && (byte & 0x80)) {
            int width = character_width(decode(line->line + at, end - at, &length));
            column += width > 0 ? (uint32_t)width : 0;
        } else {
            column++;
        }
        at += (uint32_t)length;
    }
    return column;
}

static void echo_byte(struct line_discipline *line, char byte) {
    char caret[2] = {'^', (char)(byte ^ 0x40)};
    if (byte == '\n') {
        if (local(line, ECHO) || local(line, ECHONL))
            show(line, (line->settings.output & (OPOST | ONLCR)) == (OPOST | ONLCR) ? "\r\n" : "\n",
                 (line->settings.output & (OPOST | ONLCR)) == (OPOST | ONLCR) ? 2 : 1);
        line->column = 0;
        return;
    }
    if (!local(line, ECHO))
        return;
    if (is_control(byte) && byte != '\t' && local(line, ECHOCTL)) {
        show(line, caret, 2);
        line->column += 2;
        return;
    }
    show(line, &byte, 1);
    if (byte == '\t')
        line->column += TAB_COLUMNS - line->column % TAB_COLUMNS;
    else if (!is_control(byte) && !is_continuation(byte))
        line->column++;
}

static void show_bell(struct line_discipline *line) {
    static const char bell = BELL;
    if (line->settings.input & IMAXBEL)
        show(line, &bell, 1);
}

// --- Editing the line ---

// The byte at which the last character begins.
static uint32_t last_character(const struct line_discipline *line) {
    uint32_t at = line->line_length - 1;
    while ((line->settings.input & IUTF8) && at > 0 && is_continuation(line->line[at]))
        at--;
    return at;
}

static void erase_to(struct line_discipline *line, uint32_t at) {
    uint32_t before = column_at(line, line->line_length), after = column_at(line, at);
    bool tab = memchr(line->line + at, '\t', line->line_length - at) != NULL;
    line->line_length = at;
    if (!local(line, ECHO))
        return;
    for (; before > after; before--)
        show(line, tab ? "\b" : "\b \b", tab ? 1 : 3);
    line->column = after;
}

static void erase_character(struct line_discipline *line) {
    if (line->line_length == 0)
        return;
    if (local(line, ECHOE)) {
        erase_to(line, last_character(line));
        return;
    }
    line->line_length = last_character(line);
    echo_byte(line, (char)line->settings.characters[VERASE]);
}

static bool is_word(char byte) {
    return (byte & 0x80) || (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           byte == '_';
}

static void erase_word(struct line_discipline *line) {
    uint32_t at = line->line_length;
    while (at > 0 && !is_word(line->line[at - 1]))
        at--;
    while (at > 0 && is_word(line->line[at - 1]))
        at--;
    erase_to(line, at);
}

static void kill_line(struct line_discipline *line) {
    if (local(line, ECHOK) && local(line, ECHOKE) && local(line, ECHOE)) {
        erase_to(line, 0);
        return;
    }
    line->line_length = 0;
    echo_byte(line, (char)line->settings.characters[VKILL]);
    if (local(line, ECHOK))
        echo_byte(line, '\n');
}

static void reprint(struct line_discipline *line) {
    echo_byte(line, (char)line->settings.characters[VREPRINT]);
    echo_byte(line, '\n');
    line->line_start_column = 0;
    for (uint32_t i = 0; i < line->line_length; i++)
        echo_byte(line, line->line[i]);
}

static void line_add(struct line_discipline *line, char byte) {
    if (line->line_length == LINE_BYTES - 1 || line->line_length + queue_filled(line) >= LINE_QUEUE - 1) {
        show_bell(line);
        return;
    }
    if (line->line_length == 0)
        line->line_start_column = line->column;
    line->line[line->line_length++] = byte;
    echo_byte(line, byte);
}

// The line is complete; `byte` belongs to it.
static void line_end(struct line_discipline *line, char byte) {
    if (line->line_length + queue_filled(line) + 1 > LINE_QUEUE) {
        show_bell(line);
        return;
    }
    if (byte == '\n' || local(line, ECHO))
        echo_byte(line, byte);
    line->line[line->line_length++] = byte;
    line_to_queue(line, true);
}

static void end_of_file(struct line_discipline *line) {
    if (line->line_length > 0)
        line_to_queue(line, true);
    else if (queue_filled(line) < LINE_QUEUE)
        queue_push(line, QUEUE_EMPTY | QUEUE_END);
}

// --- Input ---

// Keys that edit the line. True: it was one.
static bool edit(struct line_discipline *line, char byte) {
    bool extended = local(line, IEXTEN);
    if (is(line, VERASE, byte))
        erase_character(line);
    else if (is(line, VKILL, byte))
        kill_line(line);
    else if (extended && is(line, VWERASE, byte))
        erase_word(line);
    else if (extended && is(line, VREPRINT, byte) && local(line, ECHO))
        reprint(line);
    else if (is(line, VEOF, byte))
        end_of_file(line);
    else if (byte == '\n' || is(line, VEOL, byte) || (extended && is(line, VEOL2, byte)))
        line_end(line, byte);
    else
        return false;
    return true;
}

static void store(struct line_discipline *line, char byte) {
    if (canonical(line)) {
        line_add(line, byte);
    } else if (queue_filled(line) == LINE_QUEUE) {
        show_bell(line);
    } else {
        // A real 0377 is told from the mark of a bad byte by being doubled (POSIX 11.2.2).
        if ((uint8_t)byte == MARK && (line->settings.input & PARMRK) && !(line->settings.input & ISTRIP) &&
            queue_filled(line) + 1 < LINE_QUEUE)
            queue_push(line, MARK);
        queue_push(line, (uint8_t)byte);
        if (byte == '\n' || local(line, ECHO))
            echo_byte(line, byte);
    }
}

static void raise(struct line_discipline *line, int signal, char byte) {
    if (!local(line, NOFLSH)) {
        line_flush_input(line);
        line->events->flush_output(line->context);
    }
    if (line->stopped) {
        line->stopped = false;
        line->events->flow(line->context, false);
    }
    echo_byte(line, byte);
    line->events->signal(line->context, signal);
}

// Keys that act at once. True: it was one.
static bool command(struct line_discipline *line, char byte) {
    if (line->settings.input & IXON) {
        bool start = is(line, VSTART, byte), stop = is(line, VSTOP, byte);
        if (start || stop || (line->stopped && (line->settings.input & IXANY))) {
            bool stopped = stop && !start;
            if (line->stopped != stopped) {
                line->stopped = stopped;
                line->events->flow(line->context, stopped);
            }
            if (start || stop)
                return true;
        }
    }
    if (local(line, ISIG)) {
        int signal = is(line, VINTR, byte)   ? SIGNAL_INTERRUPT
                     : is(line, VQUIT, byte) ? SIGNAL_QUIT
                     : is(line, VSUSP, byte) ? SIGNAL_STOP
                                             : 0;
        if (signal != 0) {
            raise(line, signal, byte);
            return true;
        }
    }
    return false;
}

static void input_byte(struct line_discipline *line, char byte) {
    uint32_t input = line->settings.input;
    if (input & ISTRIP)
        byte &= 0x7f;
    if (line->literal_next) {
        line->literal_next = false;
        store(line, byte);
        return;
    }
    if (command(line, byte))
        return;
    if (byte == '\r') {
        if (input & IGNCR)
            return;
        if (input & ICRNL)
            byte = '\n';
    } else if (byte == '\n' && (input & INLCR)) {
        byte = '\r';
    }
    if (local(line, IEXTEN) && canonical(line) && is(line, VLNEXT, byte)) {
        line->literal_next = true;
        if (local(line, ECHO) && local(line, ECHOCTL))
            show(line, "^\b", 2);
        return;
    }
    if (!canonical(line) || !edit(line, byte))
        store(line, byte);
}

void line_input(struct line_discipline *line, const char *bytes, size_t count) {
    for (size_t i = 0; i < count; i++)
        input_byte(line, bytes[i]);
    tell_sender(line);
}

// --- Output ---

size_t line_output(struct line_discipline *line, const char *bytes, size_t count, size_t *consumed, char *out, size_t size) {
    uint32_t column = line->column;
    size_t made = line_expand(line->settings.output, &column, bytes, count, consumed, out, size);
    line->column = column;
    return made;
}

void line_set(struct line_discipline *line, const struct terminal_attributes *settings) {
    bool before = canonical(line);
    line->settings = *settings;
    if (before && !canonical(line))
        line_to_queue(line, false);
    if (!before && canonical(line) && queue_filled(line) > 0) {
        uint16_t *last = &line->queue[(line->queue_tail - 1) % LINE_QUEUE];
        line->queue_ends += (*last & QUEUE_END) == 0;
        *last |= QUEUE_END;
    }
    line->literal_next = false;
    if (line->stopped && !(settings->input & IXON)) {
        line->stopped = false;
        line->events->flow(line->context, false);
    }
}
