// See parser.h. Malformed UTF-8 prints U+FFFD once per broken sequence, as Unicode chapter 3.9 recommends.
#include "servers/console/engine/parser.h"

#include <string.h>

enum { CANCEL = 0x18, SUBSTITUTE = 0x1a, ESCAPE = 0x1b, BELL = 0x07, DELETE = 0x7f, REPLACEMENT = 0xfffd };

enum byte_class {
    CLASS_CONTROL,
    CLASS_BELL,
    CLASS_INTERMEDIATE, // 0x20 to 0x2f
    CLASS_NUMBER,       // digits, colon, semicolon
    CLASS_MARK,         // < = > ?
    CLASS_CSI,          // [
    CLASS_OSC,          // ]
    CLASS_DCS,          // P
    CLASS_TEXT,         // X ^ _: the strings that nobody here reads
    CLASS_FINAL,        // all else from 0x40 to 0x7e
    CLASS_DELETE,
    CLASSES
};

enum action { NONE, PRINT, EXECUTE, COLLECT, NUMBER, MARK, ESCAPE_END, CSI_END, STORE, BELL_END };

struct step {
    uint8_t action, next;
};

#define STEP(action, next)                                                                                                       \
    { action, PARSER_##next }
// What ends a control sequence: all of 0x40 to 0x7e.
#define FINALS(action)                                                                                                           \
    [CLASS_CSI] = STEP(action, GROUND), [CLASS_OSC] = STEP(action, GROUND), [CLASS_DCS] = STEP(action, GROUND),                  \
    [CLASS_TEXT] = STEP(action, GROUND), [CLASS_FINAL] = STEP(action, GROUND)
#define EVERYWHERE(action, next)                                                                                                 \
    [CLASS_INTERMEDIATE] = STEP(action, next), [CLASS_NUMBER] = STEP(action, next), [CLASS_MARK] = STEP(action, next),           \
    [CLASS_CSI] = STEP(action, next), [CLASS_OSC] = STEP(action, next), [CLASS_DCS] = STEP(action, next),                        \
    [CLASS_TEXT] = STEP(action, next), [CLASS_FINAL] = STEP(action, next)

static const struct step steps[PARSER_STATES][CLASSES] = {
    [PARSER_GROUND] = {[CLASS_CONTROL] = STEP(EXECUTE, GROUND),
                       [CLASS_BELL] = STEP(EXECUTE, GROUND),
                       EVERYWHERE(PRINT, GROUND),
                       [CLASS_DELETE] = STEP(NONE, GROUND)},
    [PARSER_ESCAPE] = {[CLASS_CONTROL] = STEP(EXECUTE, ESCAPE),
                       [CLASS_BELL] = STEP(EXECUTE, ESCAPE),
                       [CLASS_INTERMEDIATE] = STEP(COLLECT, ESCAPE_INTERMEDIATE),
                       [CLASS_NUMBER] = STEP(ESCAPE_END, GROUND),
                       [CLASS_MARK] = STEP(ESCAPE_END, GROUND),
                       [CLASS_CSI] = STEP(NONE, CSI_ENTRY),
                       [CLASS_OSC] = STEP(NONE, OSC),
                       [CLASS_DCS] = STEP(NONE, DCS),
                       [CLASS_TEXT] = STEP(NONE, STRING_IGNORE),
                       [CLASS_FINAL] = STEP(ESCAPE_END, GROUND),
                       [CLASS_DELETE] = STEP(NONE, ESCAPE)},
    [PARSER_ESCAPE_INTERMEDIATE] = {[CLASS_CONTROL] = STEP(EXECUTE, ESCAPE_INTERMEDIATE),
                                    [CLASS_BELL] = STEP(EXECUTE, ESCAPE_INTERMEDIATE),
                                    [CLASS_INTERMEDIATE] = STEP(COLLECT, ESCAPE_INTERMEDIATE),
                                    [CLASS_NUMBER] = STEP(ESCAPE_END, GROUND),
                                    [CLASS_MARK] = STEP(ESCAPE_END, GROUND),
                                    FINALS(ESCAPE_END),
                                    [CLASS_DELETE] = STEP(NONE, ESCAPE_INTERMEDIATE)},
    [PARSER_CSI_ENTRY] = {[CLASS_CONTROL] = STEP(EXECUTE, CSI_ENTRY),
                          [CLASS_BELL] = STEP(EXECUTE, CSI_ENTRY),
                          [CLASS_INTERMEDIATE] = STEP(COLLECT, CSI_INTERMEDIATE),
                          [CLASS_NUMBER] = STEP(NUMBER, CSI_PARAMETER),
                          [CLASS_MARK] = STEP(MARK, CSI_PARAMETER),
                          FINALS(CSI_END),
                          [CLASS_DELETE] = STEP(NONE, CSI_ENTRY)},
    [PARSER_CSI_PARAMETER] = {[CLASS_CONTROL] = STEP(EXECUTE, CSI_PARAMETER),
                              [CLASS_BELL] = STEP(EXECUTE, CSI_PARAMETER),
                              [CLASS_INTERMEDIATE] = STEP(COLLECT, CSI_INTERMEDIATE),
                              [CLASS_NUMBER] = STEP(NUMBER, CSI_PARAMETER),
                              [CLASS_MARK] = STEP(NONE, CSI_IGNORE),
                              FINALS(CSI_END),
                              [CLASS_DELETE] = STEP(NONE, CSI_PARAMETER)},
    [PARSER_CSI_INTERMEDIATE] = {[CLASS_CONTROL] = STEP(EXECUTE, CSI_INTERMEDIATE),
                                 [CLASS_BELL] = STEP(EXECUTE, CSI_INTERMEDIATE),
                                 [CLASS_INTERMEDIATE] = STEP(COLLECT, CSI_INTERMEDIATE),
                                 [CLASS_NUMBER] = STEP(NONE, CSI_IGNORE),
                                 [CLASS_MARK] = STEP(NONE, CSI_IGNORE),
                                 FINALS(CSI_END),
                                 [CLASS_DELETE] = STEP(NONE, CSI_INTERMEDIATE)},
    [PARSER_CSI_IGNORE] = {[CLASS_CONTROL] = STEP(EXECUTE, CSI_IGNORE),
                           [CLASS_BELL] = STEP(EXECUTE, CSI_IGNORE),
                           [CLASS_INTERMEDIATE] = STEP(NONE, CSI_IGNORE),
                           [CLASS_NUMBER] = STEP(NONE, CSI_IGNORE),
                           [CLASS_MARK] = STEP(NONE, CSI_IGNORE),
                           FINALS(NONE),
                           [CLASS_DELETE] = STEP(NONE, CSI_IGNORE)},
    [PARSER_OSC] = {[CLASS_CONTROL] = STEP(NONE, OSC),
                    [CLASS_BELL] = STEP(BELL_END, GROUND),
                    EVERYWHERE(STORE, OSC),
                    [CLASS_DELETE] = STEP(STORE, OSC)},
    [PARSER_DCS] = {[CLASS_CONTROL] = STEP(NONE, DCS),
                    [CLASS_BELL] = STEP(NONE, DCS),
                    EVERYWHERE(STORE, DCS),
                    [CLASS_DELETE] = STEP(NONE, DCS)},
    [PARSER_STRING_IGNORE] = {[CLASS_CONTROL] = STEP(NONE, STRING_IGNORE),
                              [CLASS_BELL] = STEP(NONE, STRING_IGNORE),
                              EVERYWHERE(NONE, STRING_IGNORE),
                              [CLASS_DELETE] = STEP(NONE, STRING_IGNORE)},
};

static enum byte_class class_of(uint8_t byte) {
    if (byte < 0x20)
        return byte == BELL ? CLASS_BELL : CLASS_CONTROL;
    if (byte < 0x30)
        return CLASS_INTERMEDIATE;
    if (byte < 0x3c)
        return CLASS_NUMBER;
    if (byte < 0x40)
        return CLASS_MARK;
    switch (byte) {
    case '[':
        return CLASS_CSI;
    case ']':
        return CLASS_OSC;
    case 'P':
        return CLASS_DCS;
    case 'X':
    case '^':
    case '_':
        return CLASS_TEXT;
    default:
        return byte == DELETE ? CLASS_DELETE : CLASS_FINAL;
    }
}

void parser_initialize(struct parser *parser) {
    memset(parser, 0, sizeof(*parser));
}

bool parser_sound(const struct parser *parser) {
    return parser->state < PARSER_STATES && parser->parameter_count <= PARSER_PARAMETERS &&
           parser->intermediate_count <= PARSER_INTERMEDIATES && parser->string_length <= PARSER_STRING + 1 &&
           parser->utf8_left <= 3;
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
    parser->overflow = parser->full = false;
}

static void enter(struct parser *parser, uint8_t state) {
    if (state == PARSER_ESCAPE || state == PARSER_CSI_ENTRY)
        clear(parser);
    if (state == PARSER_OSC || state == PARSER_DCS)
        parser->string_length = 0;
    parser->state = state;
}

static void collect(struct parser *parser, uint8_t byte) {
    if (parser->intermediate_count == PARSER_INTERMEDIATES)
        parser->overflow = true;
    else
        parser->intermediates[parser->intermediate_count++] = (char)byte;
}

// What does not fit is dropped, and the sequence done with the rest, as terminals do.
static void number(struct parser *parser, uint8_t byte) {
    uint32_t count = parser->parameter_count;
    if (count == 0) {
        parser->parameters[0] = -1;
        parser->colon[0] = false;
        parser->parameter_count = count = 1;
    }
    if (parser->full)
        return;
    int32_t *value = &parser->parameters[count - 1];
    if (byte >= '0' && byte <= '9') {
        *value = (*value < 0 ? 0 : *value) * 10 + (byte - '0');
        if (*value > PARSER_MAXIMUM)
            *value = PARSER_MAXIMUM;
    } else if (count < PARSER_PARAMETERS) {
        parser->parameters[count] = -1;
        parser->colon[count] = byte == ':';
        parser->parameter_count = count + 1;
    } else {
        parser->full = true;
    }
}

static void store(struct parser *parser, uint8_t byte) {
    if (parser->string_length < PARSER_STRING)
        parser->string[parser->string_length++] = (char)byte;
    else
        parser->string_length = PARSER_STRING + 1;
}

// A string that was too long is no string.
static void string_end(struct parser *parser, const struct parser_actions *actions, void *context, uint8_t state, bool bell) {
    if (parser->string_length > PARSER_STRING)
        return;
    if (state == PARSER_OSC)
        actions->osc(context, parser->string, parser->string_length, bell);
    else if (state == PARSER_DCS)
        actions->dcs(context, parser->string, parser->string_length);
}

static void act(struct parser *parser, const struct parser_actions *actions, void *context, uint8_t action, uint8_t byte) {
    switch (action) {
    case PRINT:
        actions->print(context, byte);
        break;
    case EXECUTE:
        actions->execute(context, byte);
        break;
    case COLLECT:
        collect(parser, byte);
        break;
    case NUMBER:
        number(parser, byte);
        break;
    case MARK:
        parser->mark = byte;
        break;
    case ESCAPE_END:
        if (!parser->overflow)
            actions->escape(context, parser, byte);
        break;
    case CSI_END:
        if (!parser->overflow)
            actions->csi(context, parser, byte);
        break;
    case STORE:
        store(parser, byte);
        break;
    case BELL_END:
        string_end(parser, actions, context, PARSER_OSC, true);
        break;
    default:
        break;
    }
}

static void feed_ascii(struct parser *parser, const struct parser_actions *actions, void *context, uint8_t byte) {
    uint8_t before = parser->state, ended = parser->string_state;
    const struct step *step = &steps[before][class_of(byte)];
    parser->string_state = 0;
    if (ended != 0 && before == PARSER_ESCAPE && byte == '\\') {
        parser->state = PARSER_GROUND;
        string_end(parser, actions, context, ended, false);
        return;
    }
    // The state first: an action may reset the parser (RIS).
    if (step->next != before)
        enter(parser, step->next);
    act(parser, actions, context, step->action, byte);
}

// C1 controls are ESC and a byte of 0x40 to 0x5f.
static void feed_c1(struct parser *parser, const struct parser_actions *actions, void *context, uint8_t control) {
    if (parser->state == PARSER_OSC || parser->state == PARSER_DCS)
        parser->string_state = parser->state;
    enter(parser, PARSER_ESCAPE);
    feed_ascii(parser, actions, context, (uint8_t)(control - 0x40));
}

// A character beyond ASCII: no sequence goes on with it.
static void feed_character(struct parser *parser, const struct parser_actions *actions, void *context, uint32_t value) {
    if (value < 0xa0) {
        feed_c1(parser, actions, context, (uint8_t)value);
        return;
    }
    parser->state = PARSER_GROUND;
    actions->print(context, value);
}

// True: the byte was part of a UTF-8 sequence.
static bool utf8(struct parser *parser, const struct parser_actions *actions, void *context, uint8_t byte) {
    if (parser->utf8_left > 0) {
        if ((byte & 0xc0) == 0x80) {
            parser->utf8_value = parser->utf8_value << 6 | (byte & 0x3f);
            if (--parser->utf8_left > 0)
                return true;
            uint32_t value = parser->utf8_value;
            if (value < parser->utf8_least || value > 0x10ffff || (value >= 0xd800 && value < 0xe000))
                value = REPLACEMENT;
            feed_character(parser, actions, context, value);
            return true;
        }
        parser->utf8_left = 0;
        feed_character(parser, actions, context, REPLACEMENT);
    }
    if (byte < 0x80)
        return false;
    if (byte >= 0xc2 && byte < 0xf5) {
        parser->utf8_left = byte >= 0xf0 ? 3 : byte >= 0xe0 ? 2 : 1;
        parser->utf8_value = byte & (0x3fu >> parser->utf8_left);
        parser->utf8_least = byte >= 0xf0 ? 0x10000 : byte >= 0xe0 ? 0x800 : 0x80;
    } else {
        feed_character(parser, actions, context, REPLACEMENT);
    }
    return true;
}

void parser_feed(struct parser *parser, const struct parser_actions *actions, void *context, uint8_t byte) {
    bool in_string = parser->state >= PARSER_OSC;
    if (byte >= 0x80 && in_string) { // a string's bytes are kept as they are
        if (parser->state != PARSER_STRING_IGNORE)
            store(parser, byte);
        return;
    }
    if (!in_string && utf8(parser, actions, context, byte))
        return;
    if (byte == ESCAPE) {
        parser->string_state = in_string && parser->state != PARSER_STRING_IGNORE ? parser->state : 0;
        enter(parser, PARSER_ESCAPE);
    } else if (byte == CANCEL || byte == SUBSTITUTE) {
        parser->state = PARSER_GROUND;
        parser->string_state = 0;
    } else {
        feed_ascii(parser, actions, context, byte);
    }
}
