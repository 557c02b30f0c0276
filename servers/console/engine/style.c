// SGR: colours and attributes (ECMA-48 8.3.117; 256 and true colours as in ISO 8613-6, with colons or, as
// most programs write them, semicolons).
#include "servers/console/engine/operations.h"

enum { COLOUR_BY_RGB = 2, COLOUR_BY_INDEX = 5 };

static uint32_t byte_at(const struct parser *parser, uint32_t index) {
    int32_t value = parser_parameter(parser, index, 0);
    return value > 255 ? 255 : (uint32_t)value;
}

// Parameters that belong to the one at `index` by colons.
static uint32_t colons_after(const struct parser *parser, uint32_t index) {
    uint32_t count = 0;
    while (index + 1 + count < parser->parameter_count && parser->colon[index + 1 + count])
        count++;
    return count;
}

// The colour after 38 or 48 at `index`. Returns how many further parameters it took.
static uint32_t extended(const struct parser *parser, uint32_t index, uint32_t *colour) {
    uint32_t colons = colons_after(parser, index), left = parser->parameter_count - index - 1;
    uint32_t available = colons > 0 ? colons : left;
    int32_t kind = parser_parameter(parser, index + 1, 0);
    if (kind == COLOUR_BY_INDEX && available >= 2) {
        if (parser_parameter(parser, index + 2, 0) <= 255)
            *colour = colour_indexed(byte_at(parser, index + 2));
        return colons > 0 ? colons : 2;
    }
    if (kind == COLOUR_BY_RGB && available >= 4) {
        uint32_t first = index + (colons >= 5 ? 3 : 2); // 38:2:SPACE:R:G:B
        *colour = colour_rgb(byte_at(parser, first), byte_at(parser, first + 1), byte_at(parser, first + 2));
        return colons > 0 ? colons : 4;
    }
    return colons > 0 ? colons : left;
}

static void underline(struct engine_style *style, int32_t kind) {
    style->attributes &= (uint16_t) ~(CELL_UNDERLINE | CELL_UNDERLINE_DOUBLE | CELL_UNDERLINE_CURLY);
    if (kind == 2)
        style->attributes |= CELL_UNDERLINE_DOUBLE;
    else if (kind == 3)
        style->attributes |= CELL_UNDERLINE_CURLY;
    else if (kind != 0)
        style->attributes |= CELL_UNDERLINE;
}

static void attribute(struct engine_style *style, int32_t code) {
    static const uint16_t on[10] = {[1] = CELL_BOLD,  [2] = CELL_FAINT,   [3] = CELL_ITALIC,    [5] = CELL_BLINK,
                                    [6] = CELL_BLINK, [7] = CELL_INVERSE, [8] = CELL_INVISIBLE, [9] = CELL_STRUCK};
    static const uint16_t off[10] = {[2] = CELL_BOLD | CELL_FAINT, [3] = CELL_ITALIC,    [5] = CELL_BLINK,
                                     [7] = CELL_INVERSE,           [8] = CELL_INVISIBLE, [9] = CELL_STRUCK};
    if (code < 10)
        style->attributes |= on[code];
    else if (code == 21)
        underline(style, 2);
    else if (code == 24)
        underline(style, 0);
    else if (code >= 20 && code < 30)
        style->attributes &= (uint16_t)~off[code - 20];
    else if (code == 53)
        style->attributes |= CELL_OVERLINE;
    else if (code == 55)
        style->attributes &= (uint16_t)~CELL_OVERLINE;
}

static bool simple_colour(struct engine_style *style, int32_t code) {
    if (code >= 30 && code <= 37)
        style->foreground = colour_indexed((uint32_t)code - 30);
    else if (code >= 40 && code <= 47)
        style->background = colour_indexed((uint32_t)code - 40);
    else if (code >= 90 && code <= 97)
        style->foreground = colour_indexed((uint32_t)code - 90 + 8);
    else if (code >= 100 && code <= 107)
        style->background = colour_indexed((uint32_t)code - 100 + 8);
    else if (code == 39)
        style->foreground = COLOUR_DEFAULT;
    else if (code == 49)
        style->background = COLOUR_DEFAULT;
    else
        return false;
    return true;
}

// All but what DECSCA set, which is no part of SGR.
static void clear_style(struct engine_style *style) {
    *style = (struct engine_style){.attributes = style->attributes & CELL_PROTECTED};
}

void engine_select_style(struct engine *engine, const struct parser *parser) {
    struct engine_style *style = &engine->cursor.style;
    if (parser->parameter_count == 0)
        clear_style(style);
    for (uint32_t i = 0; i < parser->parameter_count; i++) {
        int32_t code = parser_parameter(parser, i, 0);
        uint32_t colons = colons_after(parser, i), ignored = 0;
        if (code == 0) {
            clear_style(style);
        } else if (code == 4) {
            underline(style, colons > 0 ? parser_parameter(parser, i + 1, 1) : 1);
        } else if (code == 38 || code == 48 || code == 58) {
            i += extended(parser, i, code == 38 ? &style->foreground : code == 48 ? &style->background : &ignored);
            continue;
        } else if (!simple_colour(style, code)) {
            attribute(style, code);
        }
        i += colons;
    }
}
