// Bytes to actions: UTF-8, control characters and escape sequences, by the state diagram of DEC's ANSI
// terminals (published by Paul Williams, vt100.net/emu/dec_ansi_parser), with UTF-8 in front of it. Knows no
// screen. Invariant: any byte is accepted in any state; CAN and SUB end every sequence, ESC begins a new one.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PARSER_PARAMETERS = 32, PARSER_INTERMEDIATES = 2, PARSER_STRING = 256, PARSER_MAXIMUM = 65535 };

enum parser_state {
    PARSER_GROUND,
    PARSER_ESCAPE,
    PARSER_ESCAPE_INTERMEDIATE,
    PARSER_CSI_ENTRY,
    PARSER_CSI_PARAMETER,
    PARSER_CSI_INTERMEDIATE,
    PARSER_CSI_IGNORE,
    PARSER_STRING_COLLECT, // OSC: kept
    PARSER_STRING_IGNORE,  // DCS, SOS, PM, APC
    PARSER_STATES
};

struct parser {
    uint8_t state; // enum parser_state
    uint8_t intermediate_count;
    uint8_t mark; // one of < = > ? in front of the parameters, or 0
    uint8_t utf8_left;
    uint32_t utf8_value, utf8_least;
    uint32_t parameter_count;
    uint32_t string_length;
    bool overflow; // more intermediates than fit: the sequence is ignored
    char intermediates[PARSER_INTERMEDIATES];
    int32_t parameters[PARSER_PARAMETERS]; // -1: left out
    bool colon[PARSER_PARAMETERS];         // belongs to the one before it
    char string[PARSER_STRING];
};

struct parser_actions {
    void (*print)(void *context, uint32_t character);
    void (*execute)(void *context, uint8_t control); // C0, and C1 as 0x80 to 0x9f
    void (*escape)(void *context, const struct parser *parser, uint8_t final);
    void (*csi)(void *context, const struct parser *parser, uint8_t final);
    void (*osc)(void *context, const char *string, size_t length);
};

void parser_initialize(struct parser *parser);
void parser_feed(struct parser *parser, const struct parser_actions *actions, void *context, uint8_t byte);

// Parameter `index`, or `missing` if it was left out or is 0 where 0 means the same.
int32_t parser_parameter(const struct parser *parser, uint32_t index, int32_t missing);
