// Prints requests and their results by name. Freestanding: no formatted output of a C library is needed.
#include "libipc/trace/table.h"

#include <stdbool.h>
#include <stddef.h>

struct output {
    char *text;
    uint32_t size;
    uint32_t length; // that the whole text has
};

static void output_character(struct output *output, char character) {
    if (output->length + 1 < output->size)
        output->text[output->length] = character;
    output->length++;
}

static void output_string(struct output *output, const char *string) {
    while (*string != '\0')
        output_character(output, *string++);
}

static void output_number(struct output *output, uint64_t value, unsigned base) {
    char digits[20];
    unsigned count = 0;
    do {
        digits[count++] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    while (count != 0)
        output_character(output, digits[--count]);
}

// Small values in decimal, others in hexadecimal, signed types with their sign.
static void output_value(struct output *output, const char *type, uint64_t value) {
    if (type[0] == 'i' && (int64_t)value < 0) {
        output_character(output, '-');
        value = -value;
    }
    if (value >= 65536) {
        output_string(output, "0x");
        output_number(output, value, 16);
    } else {
        output_number(output, value, 10);
    }
}

const struct trace_method *trace_method_find(uint16_t code) {
    uint32_t low = 0;
    uint32_t high = trace_method_count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (trace_methods[middle].code == code)
            return &trace_methods[middle];
        if (trace_methods[middle].code < code)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

// "(position=0, flags=2)": as many fields as `count` words hold.
static void output_fields(struct output *output, const struct trace_field *fields, unsigned field_count, const uint64_t *words,
                          uint32_t count) {
    uint32_t word = 0;
    output_character(output, '(');
    for (unsigned i = 0; i < field_count && word < count; i++) {
        if (i != 0)
            output_string(output, ", ");
        output_string(output, fields[i].name);
        output_character(output, '=');
        if (fields[i].type[0] == 's')
            output_string(output, "{...}");
        else
            output_value(output, fields[i].type, words[word]);
        word += fields[i].words;
    }
    output_character(output, ')');
}

static uint32_t output_end(struct output *output) {
    if (output->size != 0)
        output->text[output->length < output->size ? output->length : output->size - 1] = '\0';
    return output->length;
}

uint32_t trace_request_print(char *text, uint32_t size, uint16_t code, const uint64_t *words, uint32_t count) {
    struct output output = {.text = text, .size = size};
    const struct trace_method *method = trace_method_find(code);
    if (method == NULL) {
        output_number(&output, code >> 8, 10);
        output_character(&output, '.');
        output_number(&output, code & 0xff, 10);
    } else {
        output_string(&output, method->protocol);
        output_character(&output, '.');
        output_string(&output, method->name);
    }
    output_fields(&output, method ? method->arg_fields : NULL, method ? method->args : 0, words, count);
    return output_end(&output);
}

uint32_t trace_reply_print(char *text, uint32_t size, uint16_t code, const uint64_t *words, uint32_t count) {
    struct output output = {.text = text, .size = size};
    const struct trace_method *method = trace_method_find(code);
    output_fields(&output, method ? method->result_fields : NULL, method ? method->results : 0, words, count);
    return output_end(&output);
}
