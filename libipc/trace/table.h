// What a tracer knows of each method: its name and its words' names and types. The table is made from the
// .idl files; it serves guest programs and host tools alike.
#pragma once

#include <stdint.h>

struct trace_field {
    const char *name;
    const char *type; // as in the .idl file: "u64", "enum open_flag", "struct file_status"
    uint8_t words;
};

struct trace_method {
    uint16_t code; // protocol << 8 | number
    const char *protocol;
    const char *name;
    uint8_t args, results; // fields of each
    uint8_t caps_in, caps_out;
    const struct trace_field *arg_fields;
    const struct trace_field *result_fields;
    uint8_t carries; // bytes to read that can travel in words: behind the arguments their length, then they
};

extern const struct trace_method trace_methods[]; // sorted by code
extern const uint32_t trace_method_count;

// The method with this code, or NULL.
const struct trace_method *trace_method_find(uint16_t code);

// Writes "file.read(position=0, flags=0x2)" for a request whose first `count` words are given; never more
// than `size` bytes with the final NUL. Returns the length that the whole text has.
uint32_t trace_request_print(char *text, uint32_t size, uint16_t code, const uint64_t *words, uint32_t count);

// Writes "(count=4096)" for the results of a request with this code, in the same way.
uint32_t trace_reply_print(char *text, uint32_t size, uint16_t code, const uint64_t *words, uint32_t count);
