// Bytes to actions: UTF-8, control characters and escape sequences. A table of states and classes of bytes,
// after the state diagram of DEC's ANSI terminals (published by Paul Williams, vt100.net/emu/dec_ansi_parser;
// ECMA-48 chapter 5), with UTF-8 in front of it. Knows no screen. Invariant: any byte is accepted in any
// state; CAN and SUB end every sequence, ESC begins a new one.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PARSER_PARAMETERS = 32, PARSER_INTERMEDIATES = 2, PARSER_STRING = 512, PARSER_MAXIMUM = 65535 };

enum parser_state {
    PARSER_GROUND,
    PARSER_ESCAPE,
    PARSER_ESCAPE_INTERMEDIATE,
    PARSER_CSI_ENTRY,
    PARSER_CSI_PARAMETER,
    PARSER_CSI_INTERMEDIATE,
    PARSER_CSI_IGNORE,
    PARSER_OSC,
    PARSER_DCS,
    PARSER_STRING_IGNORE, // SOS, PM, APC
    PARSER_STATES
};

struct parser {
    uint8_t state; // enum parser_state
    uint8_t intermediate_count;
    uint8_t mark; // one of < = > ? in front of the parameters, or 0
    uint8_t utf8_left;
    uint32_t utf8_value, utf8_least;
    uint32_t parameter_count;
    uint32_t string_length; // PARSER_STRING + 1: it was longer
    uint8_t string_state;   // PARSER_OSC or PARSER_DCS between the string and the end of its ST
    bool overflow;          // more intermediates than fit: the sequence is ignored
    bool full;              // more parameters than fit: the rest is dropped
    char intermediates[PARSER_INTERMEDIATES];
    int32_t parameters[PARSER_PARAMETERS]; // -1: left out
    bool colon[PARSER_PARAMETERS];         // belongs to the one before it
    char string[PARSER_STRING];
};

struct parser_actions {
    void (*print)(void *context, uint32_t character);
    void (*execute)(void *context, uint8_t control); // C0
    // C1 controls come as the escape sequences that they are short for (ECMA-48 5.3).
    void (*escape)(void *context, const struct parser *parser, uint8_t final);
    void (*csi)(void *context, const struct parser *parser, uint8_t final);
    // The whole string, without its terminator; `bell`: BEL ended it.
    void (*osc)(void *context, const char *string, size_t length, bool bell);
    void (*dcs)(void *context, const char *string, size_t length);
};

void parser_initialize(struct parser *parser);
void parser_feed(struct parser *parser, const struct parser_actions *actions, void *context, uint8_t byte);
// Whether it is as parser_feed leaves it: what lies in memory that outlived its actor.
bool parser_sound(const struct parser *parser);

// Parameter `index`, or `missing` if it was left out.
int32_t parser_parameter(const struct parser *parser, uint32_t index, int32_t missing);
