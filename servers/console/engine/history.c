// See history.h. A line: size (2 bytes, of all of it), flags, text, size. In the text, STYLE is followed by
// foreground, background (4 bytes each) and attributes (2); all else is UTF-8, combining characters behind
// their base. Blanks without style at the end are left out.
#include "servers/console/engine/history.h"

#include <string.h>

#include "servers/console/engine/width.h"

enum { STYLE = 0xff, STYLE_BYTES = 11, FRAME = 5, FLAG_WRAPPED = 1, SIZE_MAX_LINE = 0xffff };

void history_initialize(struct history *history, void *bytes, uint32_t size) {
    uint32_t power = size;
    while (power & (power - 1))
        power &= power - 1;
    *history = (struct history){.bytes = bytes, .size = bytes == NULL ? 0 : power};
}

void history_clear(struct history *history) {
    history->head = history->tail;
    history->lines = 0;
}

static uint8_t byte_at(const struct history *history, uint32_t position) {
    return history->bytes[position & (history->size - 1)];
}

static uint32_t size_at(const struct history *history, uint32_t position) {
    return (uint32_t)(byte_at(history, position) | byte_at(history, position + 1) << 8);
}

bool history_sound(const struct history *history) {
    uint32_t at = history->head, lines = 0;
    if (history->size & (history->size - 1) || history->tail - history->head > history->size)
        return false;
    while (at != history->tail) {
        uint32_t left = history->tail - at, size = left < FRAME ? 0 : size_at(history, at);
        if (size < FRAME || size > left || size_at(history, at + size - 2) != size)
            return false;
        at += size;
        lines++;
    }
    return lines == history->lines;
}

static bool is_empty(const struct cell *cell) {
    return cell->character == ' ' && cell->background == 0 && cell->marks[0] == 0 &&
           (cell->attributes & (CELL_INVERSE | CELL_UNDERLINE | CELL_TAIL | CELL_STRUCK | CELL_OVERLINE | CELL_UNDERLINE_DOUBLE |
                                CELL_UNDERLINE_CURLY)) == 0;
}

static bool same_style(const struct cell *a, const struct cell *b) {
    return a->foreground == b->foreground && a->background == b->background &&
           ((a->attributes ^ b->attributes) & CELL_STYLE) == 0;
}

// Where encoded bytes go: nowhere, when only their number is wanted.
struct sink {
    struct history *history;
    uint32_t at;
    bool counting;
};

static void put(struct sink *sink, uint32_t byte) {
    if (!sink->counting)
        sink->history->bytes[sink->at & (sink->history->size - 1)] = (uint8_t)byte;
    sink->at++;
}

static void put_word(struct sink *sink, uint32_t value, uint32_t bytes) {
    for (uint32_t i = 0; i < bytes; i++)
        put(sink, value >> 8 * i);
}

static void put_character(struct sink *sink, uint32_t character) {
    if (character < 0x80) {
        put(sink, character);
        return;
    }
    uint32_t more = character < 0x800 ? 1 : character < 0x10000 ? 2 : 3;
    static const uint8_t leads[] = {0, 0xc0, 0xe0, 0xf0};
    put(sink, leads[more] | character >> 6 * more);
    while (more-- > 0)
        put(sink, 0x80 | (character >> 6 * more & 0x3f));
}

static void put_style(struct sink *sink, const struct cell *style) {
    put(sink, STYLE);
    put_word(sink, style->foreground, 4);
    put_word(sink, style->background, 4);
    put_word(sink, style->attributes & CELL_STYLE, 2);
}

static void encode(struct sink *sink, const struct cell *cells, uint32_t count) {
    struct cell style = {.character = ' '};
    for (uint32_t i = 0; i < count; i++) {
        if (cells[i].attributes & CELL_TAIL)
            continue;
        if (!same_style(&cells[i], &style)) {
            style = cells[i];
            put_style(sink, &style);
        }
        put_character(sink, cells[i].character);
        for (uint32_t mark = 0; mark < CELL_MARKS && cells[i].marks[mark] != 0; mark++)
            put_character(sink, cells[i].marks[mark]);
    }
}

static void drop_oldest(struct history *history) {
    history->head += size_at(history, history->head);
    history->lines--;
}

static void announce_range(const struct history *history, const struct history_announce *announce, uint32_t bytes) {
    uint32_t start = history->tail & (history->size - 1), first = history->size - start;
    if (announce->changing == NULL)
        return;
    announce->changing(announce->context, history->bytes + start, bytes < first ? bytes : first);
    if (bytes > first)
        announce->changing(announce->context, history->bytes, bytes - first);
}

void history_push(struct history *history, const struct history_announce *announce, const struct cell *cells, uint32_t columns,
                  bool wrapped) {
    struct sink sink = {.history = history, .counting = true};
    while (columns > 0 && is_empty(&cells[columns - 1]))
        columns--;
    encode(&sink, cells, columns);
    uint32_t bytes = sink.at + FRAME;
    history->pushed++;
    if (bytes > history->size || bytes > SIZE_MAX_LINE)
        return;
    while (history->size - (history->tail - history->head) < bytes)
        drop_oldest(history);
    announce_range(history, announce, bytes);
    sink = (struct sink){.history = history, .at = history->tail};
    put_word(&sink, bytes, 2);
    put(&sink, wrapped ? FLAG_WRAPPED : 0);
    encode(&sink, cells, columns);
    put_word(&sink, bytes, 2);
    history->tail = sink.at;
    history->lines++;
}

static uint32_t text_length(const char *text) {
    uint32_t length = 0;
    while (text[length] >= ' ')
        length++;
    return length;
}

static uint32_t frame_text(struct history *history, const char *text, uint32_t length, const struct cell *style) {
    bool styled = length > 0 && !same_style(style, &(struct cell){0});
    uint32_t bytes = length + FRAME + (styled ? STYLE_BYTES : 0);
    while (history->size - (history->tail - history->head) < bytes)
        drop_oldest(history);
    struct sink sink = {.history = history, .at = history->tail};
    put_word(&sink, bytes, 2);
    put(&sink, 0);
    if (styled)
        put_style(&sink, style);
    for (uint32_t i = 0; i < length; i++)
        put(&sink, (uint8_t)text[i]);
    put_word(&sink, bytes, 2);
    return sink.at;
}

void history_push_text(struct history *history, const struct history_announce *announce, const char *text, uint32_t count,
                       const struct cell *style) {
    const char *end = text;
    const struct cell blank = {.character = ' ', .background = style->background, .attributes = style->attributes};
    bool trims = is_empty(&blank);
    for (uint32_t line = 0; line < count; line++)
        end = strchr(end, '\n') + 1;
    uint64_t most = (uint64_t)(end - text) + (uint64_t)count * (FRAME + STYLE_BYTES);
    history->pushed += count;
    if (most > history->size)
        return; // the caller's texts are smaller than any history
    announce_range(history, announce, (uint32_t)most);
    for (uint32_t line = 0; line < count; line++) {
        uint32_t length = text_length(text), kept = length;
        while (trims && kept > 0 && text[kept - 1] == ' ')
            kept--;
        history->tail = frame_text(history, text, kept, style);
        history->lines++;
        text = strchr(text + length, '\n') + 1;
    }
}

static uint32_t get_word(const struct history *history, uint32_t *at, uint32_t bytes) {
    uint32_t value = 0;
    for (uint32_t i = 0; i < bytes; i++)
        value |= (uint32_t)byte_at(history, (*at)++) << 8 * i;
    return value;
}

static uint32_t get_character(const struct history *history, uint32_t *at) {
    uint32_t first = byte_at(history, (*at)++);
    if (first < 0xc0)
        return first;
    uint32_t more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1, value = first & (0x3fu >> more);
    while (more-- > 0)
        value = value << 6 | (byte_at(history, (*at)++) & 0x3f);
    return value;
}

static void add_mark(struct cell *cell, uint32_t mark) {
    for (uint32_t i = 0; i < CELL_MARKS; i++) {
        if (cell->marks[i] != 0)
            continue;
        cell->marks[i] = (uint16_t)mark;
        return;
    }
}

static void decode(const struct history *history, uint32_t at, uint32_t end, struct cell *cells, uint32_t columns) {
    struct cell style = {.character = ' '}, *last = NULL;
    uint32_t column = 0;
    while ((int32_t)(end - at) > 0) { // positions go round
        if (byte_at(history, at) == STYLE) {
            at++;
            style.foreground = get_word(history, &at, 4);
            style.background = get_word(history, &at, 4);
            style.attributes = (uint16_t)(get_word(history, &at, 2) & CELL_STYLE);
            continue;
        }
        uint32_t character = get_character(history, &at);
        int width = character < 0x300 ? 1 : character_width(character);
        if (width == 0 && last != NULL)
            add_mark(last, character);
        if (width <= 0 || column + (uint32_t)width > columns)
            continue;
        last = &cells[column++];
        *last = style;
        last->character = character;
        if (width == 2) {
            last->attributes |= CELL_WIDE;
            cells[column] = style;
            cells[column++].attributes |= CELL_TAIL;
        }
    }
}

static uint32_t find(const struct history *history, uint32_t back) {
    uint32_t at = history->tail;
    for (uint32_t i = 0; i < back; i++)
        at -= size_at(history, at - 2);
    return at;
}

bool history_line(const struct history *history, uint32_t back, struct cell *cells, uint32_t columns, bool *wrapped) {
    if (back == 0 || back > history->lines)
        return false;
    uint32_t at = find(history, back), size = size_at(history, at);
    for (uint32_t i = 0; i < columns; i++)
        cells[i] = (struct cell){.character = ' '};
    *wrapped = byte_at(history, at + 2) & FLAG_WRAPPED;
    decode(history, at + 3, at + size - 2, cells, columns);
    return true;
}

bool history_pop(struct history *history, struct cell *cells, uint32_t columns, bool *wrapped) {
    if (!history_line(history, 1, cells, columns, wrapped))
        return false;
    history->tail = find(history, 1);
    history->lines--;
    history->pushed--;
    return true;
}
