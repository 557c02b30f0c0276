// Operating system commands (xterm's ctlseqs): titles, the palette, the clipboard. Colours are given and
// answered in X11's notations: #RGB, #RRGGBB, rgb:R/G/B with one to four digits each.
#include <string.h>

#include "servers/console/engine/operations.h"

struct text {
    const char *at, *end;
};

static bool take(struct text *text, char wanted) {
    if (text->at == text->end || *text->at != wanted)
        return false;
    text->at++;
    return true;
}

// false: no digit.
static bool take_number(struct text *text, uint32_t *number) {
    const char *start = text->at;
    *number = 0;
    while (text->at < text->end && *text->at >= '0' && *text->at <= '9' && *number < 100000)
        *number = *number * 10 + (uint32_t)(*text->at++ - '0');
    return text->at > start;
}

static int digit_of(char byte) {
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    byte |= 0x20;
    return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

// A part of a colour, of `digits` hexadecimal digits (0: one to four), scaled to a byte.
static bool take_part(struct text *text, uint32_t digits, uint32_t *part) {
    uint32_t count = 0, value = 0;
    while (text->at < text->end && digit_of(*text->at) >= 0 && count < (digits != 0 ? digits : 4)) {
        value = value << 4 | (uint32_t)digit_of(*text->at++);
        count++;
    }
    if (count == 0 || (digits != 0 && count != digits))
        return false;
    *part = value * 255 / ((1u << 4 * count) - 1);
    return true;
}

static bool take_colour(struct text *text, uint32_t *colour) {
    uint32_t parts[3];
    bool hash = take(text, '#');
    const char *semicolon = memchr(text->at, ';', (size_t)(text->end - text->at));
    uint32_t length = (uint32_t)((semicolon != NULL ? semicolon : text->end) - text->at);
    if (hash) {
        if (length % 3 != 0 || length > 12)
            return false;
    } else {
        if (length < 4 || memcmp(text->at, "rgb:", 4) != 0)
            return false;
        text->at += 4;
    }
    for (uint32_t i = 0; i < 3; i++)
        if (!take_part(text, hash ? length / 3 : 0, &parts[i]) || (!hash && i < 2 && !take(text, '/')))
            return false;
    *colour = parts[0] << 16 | parts[1] << 8 | parts[2];
    return true;
}

static char *put_hex(char *at, uint32_t byte) {
    for (uint32_t i = 0; i < 4; i++) // 16 bits: the byte twice
        *at++ = "0123456789abcdef"[byte >> (i % 2 == 0 ? 4 : 0) & 0xf];
    return at;
}

// ESC ] NUMBER ; rgb:RRRR/GGGG/BBBB, ended as the question was.
static void report_colour(struct engine *engine, const uint32_t *numbers, uint32_t count, uint32_t index, bool bell) {
    char end[32] = ";rgb:", *at = end + 5;
    uint32_t colour = engine->rare.palette[index];
    for (uint32_t shift = 24; shift > 0; shift -= 8) {
        at = put_hex(at, colour >> (shift - 8) & 0xff);
        if (shift > 8)
            *at++ = '/';
    }
    strcpy(at, bell ? "\a" : "\033\\");
    engine_reply_numbers(engine, "\033]", numbers, count, end);
}

static void set_colour(struct engine *engine, uint32_t index, uint32_t colour) {
    engine_announce(engine, &engine->rare, sizeof(engine->rare));
    engine->rare.palette[index] = colour;
    engine->rare.changes++;
    engine_dirty(engine);
}

// "4;INDEX;COLOUR;INDEX;COLOUR...", a question mark in place of a colour asks for it.
static void palette(struct engine *engine, struct text *text, bool bell) {
    uint32_t index, colour;
    while (take(text, ';') && take_number(text, &index) && index < 256 && take(text, ';')) {
        const uint32_t numbers[] = {4, index};
        if (take(text, '?'))
            report_colour(engine, numbers, 2, index, bell);
        else if (take_colour(text, &colour))
            set_colour(engine, index, colour);
        else
            return;
    }
}

// "10;COLOUR": of text; more colours are those of the next numbers, 11 and 12.
static void dynamic(struct engine *engine, struct text *text, uint32_t number, bool bell) {
    uint32_t colour;
    for (; number <= 12 && take(text, ';'); number++) {
        uint32_t index = ENGINE_FOREGROUND + number - 10;
        if (take(text, '?'))
            report_colour(engine, &number, 1, index, bell);
        else if (take_colour(text, &colour))
            set_colour(engine, index, colour);
    }
}

static void reset_palette(struct engine *engine, struct text *text) {
    uint32_t index;
    bool some = false;
    while (take(text, ';') && take_number(text, &index)) {
        some = true;
        if (index < 256)
            set_colour(engine, index, engine_default_colour(index));
    }
    for (index = 0; !some && index < 256; index++)
        set_colour(engine, index, engine_default_colour(index));
}

static int base64_value(char byte) {
    if (byte >= 'A' && byte <= 'Z')
        return byte - 'A';
    if (byte >= 'a' && byte <= 'z')
        return byte - 'a' + 26;
    if (byte >= '0' && byte <= '9')
        return byte - '0' + 52;
    return byte == '+' ? 62 : byte == '/' ? 63 : -1;
}

// "52;c;BASE64". Asking for its contents is not answered: what was copied is nobody else's business.
static void clipboard(struct engine *engine, struct text *text) {
    char decoded[PARSER_STRING];
    uint32_t bits = 0, value = 0;
    size_t length = 0;
    if (!take(text, ';'))
        return;
    while (text->at < text->end && *text->at != ';')
        text->at++;
    if (!take(text, ';') || take(text, '?'))
        return;
    for (; text->at < text->end && base64_value(*text->at) >= 0; text->at++) {
        value = value << 6 | (uint32_t)base64_value(*text->at);
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            decoded[length++] = (char)(value >> bits);
        }
    }
    if (engine->events->clipboard)
        engine->events->clipboard(engine->context, decoded, length);
}

static void title(struct engine *engine, struct text *text) {
    if (!take(text, ';'))
        return;
    size_t length = (size_t)(text->end - text->at);
    if (engine->events->title)
        engine->events->title(engine->context, text->at, length);
    if (length > ENGINE_TITLE - 1)
        length = ENGINE_TITLE - 1;
    memcpy(engine->title, text->at, length);
    engine->title_length = (uint16_t)length;
}

void engine_osc(void *context, const char *string, size_t length, bool bell) {
    struct engine *engine = context;
    struct text text = {.at = string, .end = string + length};
    uint32_t number;
    if (!take_number(&text, &number))
        return;
    switch (number) {
    case 0:
    case 2:
        title(engine, &text);
        break;
    case 4:
        palette(engine, &text, bell);
        break;
    case 10:
    case 11:
    case 12:
        dynamic(engine, &text, number, bell);
        break;
    case 52:
        clipboard(engine, &text);
        break;
    case 104:
        reset_palette(engine, &text);
        break;
    case 110:
    case 111:
    case 112:
        set_colour(engine, ENGINE_FOREGROUND + number - 110, engine_default_colour(ENGINE_FOREGROUND + number - 110));
        break;
    default:
        break;
    }
}
