// screenshot: writes what the screen shows to a PNG file (PNG 1.2), or its text (text.c). Rows are stored as differences from the
// row above, and bytes that repeat are packed with deflate's fixed codes (RFC 1951 3.2.6): little code, and a screen of text
// takes some ten KiB.
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "programs/common/buffer.h"
#include "programs/common/program.h"
#include "programs/screenshot/text.h"

#define CONSOLE "/dev/console"

enum { PIECE_BYTES = 64 * 1024, ADLER_BASE = 65521, RUN_LEAST = 3, RUN_MOST = 258, END_OF_BLOCK = 256, FILTER_UP = 2 };

static uint32_t crc_table[256];

static void crc_prepare(void) {
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t value = i;
        for (int bit = 0; bit < 8; bit++)
            value = value & 1 ? value >> 1 ^ 0xedb88320 : value >> 1;
        crc_table[i] = value;
    }
}

static void put_number(struct buffer *out, uint32_t value) {
    for (int shift = 24; shift >= 0; shift -= 8)
        buffer_append_byte(out, (char)(value >> shift));
}

// Length, name, data and the sum of the last two.
static void put_chunk(struct buffer *out, const char *name, const void *data, size_t length) {
    uint32_t crc = ~0u;
    put_number(out, (uint32_t)length);
    size_t start = out->length;
    buffer_append(out, name, 4);
    buffer_append(out, data, length);
    for (size_t i = start; i < out->length; i++)
        crc = crc_table[(crc ^ (uint8_t)out->data[i]) & 0xff] ^ crc >> 8;
    put_number(out, ~crc);
}

// --- Deflate ---

struct bits {
    struct buffer *out;
    uint32_t held, count;
};

static void put_bits(struct bits *bits, uint32_t value, uint32_t count) {
    bits->held |= value << bits->count;
    for (bits->count += count; bits->count >= 8; bits->count -= 8) {
        buffer_append_byte(bits->out, (char)bits->held);
        bits->held >>= 8;
    }
}

// A code's first bit comes first.
static void put_code(struct bits *bits, uint32_t code, uint32_t count) {
    uint32_t turned = 0;
    for (uint32_t i = 0; i < count; i++)
        turned |= (code >> i & 1) << (count - 1 - i);
    put_bits(bits, turned, count);
}

static void put_symbol(struct bits *bits, uint32_t symbol) {
    if (symbol < 144)
        put_code(bits, 0x30 + symbol, 8);
    else if (symbol < 256)
        put_code(bits, 0x190 + symbol - 144, 9);
    else if (symbol < 280)
        put_code(bits, symbol - 256, 7);
    else
        put_code(bits, 0xc0 + symbol - 280, 8);
}

// `length` bytes like the one before: distance 1.
static void put_run(struct bits *bits, uint32_t length) {
    static const uint16_t bases[] = {3,  4,  5,  6,  7,  8,  9,  10, 11,  13,  15,  17,  19,  23, 27,
                                     31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258};
    uint32_t code = sizeof(bases) / sizeof(bases[0]) - 1;
    while (length < bases[code])
        code--;
    put_symbol(bits, 257 + code);
    if (code >= 8 && code < 28)
        put_bits(bits, length - bases[code], code / 4 - 1);
    put_code(bits, 0, 5);
}

// zlib (RFC 1950): two bytes, one block, a sum.
static void put_packed(struct buffer *out, const struct buffer *rows) {
    struct bits bits = {.out = out};
    const uint8_t *data = (const uint8_t *)rows->data;
    uint32_t a = 1, b = 0;
    buffer_append(out, "\x78\x01", 2);
    put_bits(&bits, 3, 3); // the last block, with fixed codes
    for (size_t at = 0; at < rows->length;) {
        size_t run = 0;
        while (at > 0 && at + run < rows->length && run < RUN_MOST && data[at + run] == data[at - 1])
            run++;
        if (run >= RUN_LEAST) {
            put_run(&bits, (uint32_t)run);
            at += run;
        } else {
            put_symbol(&bits, data[at++]);
        }
    }
    put_symbol(&bits, END_OF_BLOCK);
    put_bits(&bits, 0, 7); // what is held goes out
    for (size_t i = 0; i < rows->length; i++) {
        a = (a + data[i]) % ADLER_BASE;
        b = (b + a) % ADLER_BASE;
    }
    put_number(out, b << 16 | a);
}

// All lines of the screen, each behind its filter's number: what is above is taken off.
static void read_rows(struct buffer *rows, uint32_t *width, uint32_t *height) {
    static char pixels[PIECE_BYTES];
    int console = open(CONSOLE, O_RDWR | O_NOCTTY);
    struct screen_lines lines = {.line = 0};
    char *above = NULL;
    if (console < 0)
        program_fail(CONSOLE, "%s", error_text(errno));
    for (;;) {
        lines.pixels = pixels;
        lines.size = sizeof(pixels);
        if (ioctl(console, KDPICTURE, &lines) != 0)
            program_fail(CONSOLE, "%s", errno == ENODEV ? "the screen shows text, no pixels" : error_text(errno));
        if (lines.size == 0)
            break;
        size_t bytes = 3 * lines.width;
        if (above == NULL) {
            above = memory_allocate(bytes);
            memset(above, 0, bytes);
        }
        for (size_t at = 0; at < lines.size; at += bytes, lines.line++) {
            buffer_append_byte(rows, FILTER_UP);
            for (size_t i = 0; i < bytes; i++)
                buffer_append_byte(rows, (char)(pixels[at + i] - above[i]));
            memcpy(above, pixels + at, bytes);
        }
    }
    free(above);
    *width = (uint32_t)lines.width;
    *height = (uint32_t)lines.height;
    (void)close(console);
}

static void write_file(const char *path, const struct buffer *file) {
    int fd = path ? open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666) : STDOUT_FILENO;
    if (fd < 0 || !descriptor_write(fd, file->data, file->length) || close(fd) != 0)
        program_fail(path ? path : "standard output", "%s", error_text(errno));
}

static void make_picture(struct buffer *file) {
    struct buffer rows, data, header;
    uint32_t width, height;
    buffer_init(&rows);
    buffer_init(&data);
    buffer_init(&header);
    read_rows(&rows, &width, &height);
    crc_prepare();
    put_number(&header, width);
    put_number(&header, height);
    buffer_append(&header, "\x08\x02\0\0\0", 5); // eight bits, red green blue
    put_packed(&data, &rows);
    buffer_append(file, "\x89PNG\r\n\x1a\n", 8);
    put_chunk(file, "IHDR", header.data, header.length);
    put_chunk(file, "IDAT", data.data, data.length);
    put_chunk(file, "IEND", NULL, 0);
}

int main(int argc, char **argv) {
    const char *terminal = NULL;
    bool text = false;
    struct buffer file;
    program_start(argc, argv, "FILE | -t [-F TERMINAL] [FILE]",
                  "Writes what the screen shows to FILE, as PNG.\n"
                  "  -t           as text, on standard output if there is no FILE\n"
                  "  -F TERMINAL  of this screen, whether it is seen or not\n");
    for (int option; (option = program_option("tF:")) != -1;) {
        text |= option == 't';
        terminal = option == 'F' ? program_argument : terminal;
    }
    if (program_operand_count > 1 || (!text && (program_operand_count == 0 || terminal)))
        program_usage_error(program_operand_count > 1 ? "only one file"
                            : program_operand_count   ? "-F goes with -t"
                                                      : "one file is needed");
    buffer_init(&file);
    if (text)
        text_read(terminal ? terminal : CONSOLE, &file);
    else
        make_picture(&file);
    write_file(program_operand_count ? program_operands[0] : NULL, &file);
    return program_end(0);
}
