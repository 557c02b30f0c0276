// See parser.h. Malformed UTF-8 prints U+FFFD once per broken sequence, as Unicode chapter 3.9 recommends.
#include "servers/console/engine/parser.h"

#include <string.h>

enum {
    CANCEL = 0x18,
    SUBSTITUTE = 0x1a,
    ESCAPE = 0x1b,
    BELL = 0x07,
    DELETE = 0x7f,
    REPLACEMENT = 0xfffd,
    C1_DCS = 0x90,
    C1_SOS = 0x98,
    C1_CSI = 0x9b,
    C1_ST = 0x9c,
    C1_OSC = 0x9d,
    C1_PM = 0x9e,
    C1_APC = 0x9f,
};

void parser_initialize(struct parser *parser) {
    memset(parser, 0, sizeof(*parser));
}

int32_t parser_parameter(const struct parser *parser, uint32_t index, int32_t missing) {
    if (index >= parser->parameter_count || parser->parameters[index] < 0)
        return missing;
    return parser->parameters[index];
}

static void clear(struct parser *parser) {
    parser->intermediate_count = 0;
    parser->mark = 0;
    parser->parameter_count = 0;
    parser->string_length = 0;
    parser->overflow = false;
}

static void enter(struct parser *parser, enum parser_state state) {
    if (state == PARSER_ESCAPE || state == PARSER_CSI_ENTRY || state == PARSER_STRING_COLLECT)
        clear(parser);
    parser->state = (uint8_t)state;
}

static void collect(struct parser *parser, uint8_t byte) {
    if (parser->intermediate_count == PARSER_INTERMEDIATES)
        parser->overflow = true;
    else
        parser->intermediates[parser->intermediate_count++] = (char)byte;
}

static void parameter(struct parser *parser, uint8_t byte) {
    uint32_t last = parser->parameter_count;
    if (last == 0) {
        parser->parameters[0] = -1;
        parser->colon[0] = false;
        parser->parameter_count = last = 1;
    }
    int32_t *value = &parser->parameters[last - 1];
    if (byte >= '0' && byte <= '9') {
        *value = (*value < 0 ? 0 : *value) * 10 + (byte - '0');
        if (*value > PARSER_MAXIMUM)
            *value = PARSER_MAXIMUM;
    } else if (last < PARSER_PARAMETERS) {
        parser->parameters[last] = -1;
        parser->colon[last] = byte == ':';
        parser->parameter_count = last + 1;
    } else {
        parser->overflow = true;
    }
}

// C1 controls as single characters.
static void control_c1(struct parser *parser, const struct parser_actions *actions, void *context,
                       uint8_t byte) {
    switch (byte) {
    case C1_CSI:
        enter(parser, PARSER_CSI_ENTRY);
        break;
    case C1_OSC:
        enter(parser, PARSER_STRING_COLLECT);
        break;
    case C1_DCS:
    case C1_SOS:
    case C1_PM:
    case C1_APC:
        enter(parser, PARSER_STRING_IGNORE);
        break;
    default:
        enter(parser, PARSER_GROUND);
        if (byte != C1_ST)
            actions->execute(context, byte);
    }
}

static void state_escape(struct parser *parser, const struct parser_actions *actions, void *context,
                         uint8_t byte) {
    if (byte < 0x20) {
        actions->execute(context, byte);
    } else if (byte < 0x30) {
        collect(parser, byte);
        parser->state = PARSER_ESCAPE_INTERMEDIATE;
    } else if (parser->state == PARSER_ESCAPE && byte >= 0x40 && byte < 0x60) {
        control_c1(parser, actions, context, (uint8_t)(byte + 0x40));
    } else if (byte < DELETE) {
        parser->state = PARSER_GROUND;
        if (!parser->overflow)
            actions->escape(context, parser, byte);
    }
}

static void state_csi(struct parser *parser, const struct parser_actions *actions, void *context,
                      uint8_t byte) {
    if (byte < 0x20) {
        actions->execute(context, byte);
    } else if (byte < 0x30) {
        collect(parser, byte);
        if (parser->state != PARSER_CSI_IGNORE)
            parser->state = PARSER_CSI_INTERMEDIATE;
    } else if (byte < 0x40) {
        bool is_mark = byte >= 0x3c;
        if (parser->state == PARSER_CSI_INTERMEDIATE || (is_mark && parser->state != PARSER_CSI_ENTRY)) {
            parser->state = PARSER_CSI_IGNORE;
        } else if (parser->state != PARSER_CSI_IGNORE) {
            if (is_mark)
                parser->mark = byte;
            else
                parameter(parser, byte);
            parser->state = PARSER_CSI_PARAMETER;
        }
    } else if (byte < DELETE) {
        bool ignored = parser->state == PARSER_CSI_IGNORE || parser->overflow;
        parser->state = PARSER_GROUND;
        if (!ignored)
            actions->csi(context, parser, byte);
    }
}

static void state_string(struct parser *parser, const struct parser_actions *actions, void *context,
                         uint8_t byte) {
    bool osc = parser->state == PARSER_STRING_COLLECT;
    if (osc && byte == BELL) {
        parser->state = PARSER_GROUND;
        actions->osc(context, parser->string, parser->string_length);
    } else if (osc && byte >= 0x20 && parser->string_length < PARSER_STRING) {
        parser->string[parser->string_length++] = (char)byte;
    }
}

// One character that is no part of a string: ASCII, or decoded.
static void character(struct parser *parser, const struct parser_actions *actions, void *context,
                      uint32_t value) {
    if (value >= 0x80 && value < 0xa0) {
        control_c1(parser, actions, context, (uint8_t)value);
        return;
    }
    if (value >= 0x80) { // no sequence goes on with it
        parser->state = PARSER_GROUND;
        actions->print(context, value);
        return;
    }
    uint8_t byte = (uint8_t)value;
    switch (parser->state) {
    case PARSER_GROUND:
        if (byte < 0x20)
            actions->execute(context, byte);
        else if (byte != DELETE)
            actions->print(context, byte);
        break;
    case PARSER_ESCAPE:
    case PARSER_ESCAPE_INTERMEDIATE:
        state_escape(parser, actions, context, byte);
        break;
    default:
        state_csi(parser, actions, context, byte);
        break;
    }
}

static bool in_string(const struct parser *parser) {
    return parser->state == PARSER_STRING_COLLECT || parser->state == PARSER_STRING_IGNORE;
}

// True: the byte began, or went on with, a sequence of UTF-8.
static bool utf8(struct parser *parser, const struct parser_actions *actions, void *context, uint8_t byte) {
    if (parser->utf8_left > 0) {
        if ((byte & 0xc0) == 0x80) {
            parser->utf8_value = parser->utf8_value << 6 | (byte & 0x3f);
            if (--parser->utf8_left > 0)
                return true;
            uint32_t value = parser->utf8_value;
            if (value < parser->utf8_least || value > 0x10ffff || (value >= 0xd800 && value < 0xe000))
                value = REPLACEMENT;
            character(parser, actions, context, value);
            return true;
        }
        parser->utf8_left = 0;
        character(parser, actions, context, REPLACEMENT);
    }
    if (byte < 0x80)
        return false;
    if (byte >= 0xc2 && byte < 0xf5) {
        parser->utf8_left = byte >= 0xf0 ? 3 : byte >= 0xe0 ? 2 : 1;
        parser->utf8_value = byte & (0x3fu >> parser->utf8_left);
        parser->utf8_least = byte >= 0xf0 ? 0x10000 : byte >= 0xe0 ? 0x800 : 0x80;
    } else {
        character(parser, actions, context, REPLACEMENT);
    }
    return true;
}

void parser_feed(struct parser *parser, const struct parser_actions *actions, void *context, uint8_t byte) {
    if (in_string(parser) && byte >= 0x20) { // a string's bytes are kept as they are
        state_string(parser, actions, context, byte);
        return;
    }
    if (utf8(parser, actions, context, byte))
        return;
    if (byte == ESCAPE) {
        // ESC ends a string; the backslash that follows is then an empty sequence of its own.
        if (parser->state == PARSER_STRING_COLLECT)
            actions->osc(context, parser->string, parser->string_length);
        enter(parser, PARSER_ESCAPE);
    } else if (byte == CANCEL || byte == SUBSTITUTE) {
        parser->state = PARSER_GROUND;
        actions->execute(context, byte);
    } else if (in_string(parser)) {
        state_string(parser, actions, context, byte);
    } else {
        character(parser, actions, context, byte);
    }
}
