// screenshot: writes what the screen shows to a PNG file (PNG 1.2, zlib with stored blocks: no compression
// but that of rows that are alike is worth a library here).
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "programs/common/buffer.h"
#include "programs/common/program.h"

#define CONSOLE "/dev/console"

enum { PIECE_BYTES = 64 * 1024, STORED_MOST = 65535, ADLER_BASE = 65521 };

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

// zlib (RFC 1950) around blocks that are stored as they are (RFC 1951 3.2.4).
static void put_stored(struct buffer *out, const struct buffer *rows) {
    uint32_t a = 1, b = 0;
    buffer_append(out, "\x78\x01", 2);
    for (size_t at = 0; at < rows->length; at += STORED_MOST) {
        size_t left = rows->length - at, length = left < STORED_MOST ? left : STORED_MOST;
        const uint8_t head[] = {left <= STORED_MOST, (uint8_t)length, (uint8_t)(length >> 8),
                                (uint8_t)~length, (uint8_t)(~length >> 8)};
        buffer_append(out, head, sizeof(head));
        buffer_append(out, rows->data + at, length);
    }
    for (size_t i = 0; i < rows->length; i++) {
        a = (a + (uint8_t)rows->data[i]) % ADLER_BASE;
        b = (b + a) % ADLER_BASE;
    }
    put_number(out, b << 16 | a);
}

// All lines of the screen, each behind a zero: the filter "none".
static void read_rows(struct buffer *rows, uint32_t *width, uint32_t *height) {
    static char pixels[PIECE_BYTES];
    int console = open(CONSOLE, O_RDWR | O_NOCTTY);
    struct screen_lines lines = {.line = 0};
    if (console < 0)
        program_fail(CONSOLE, "%s", error_text(errno));
    for (;;) {
        lines.pixels = pixels;
        lines.size = sizeof(pixels);
        if (ioctl(console, KDPICTURE, &lines) != 0)
            program_fail(CONSOLE, "%s",
                         errno == ENODEV ? "the screen shows text, no pixels" : error_text(errno));
        if (lines.size == 0)
            break;
        for (size_t at = 0; at < lines.size; at += 3 * lines.width) {
            buffer_append_byte(rows, 0);
            buffer_append(rows, pixels + at, 3 * lines.width);
            lines.line++;
        }
    }
    *width = (uint32_t)lines.width;
    *height = (uint32_t)lines.height;
    (void)close(console);
}

int main(int argc, char **argv) {
    struct buffer rows, data, file, header;
    uint32_t width, height;
    program_start(argc, argv, "FILE", "Writes what the screen shows to FILE, as PNG.\n");
    program_option("");
    if (program_operand_count != 1)
        program_usage_error("one file is needed");
    buffer_init(&rows);
    buffer_init(&data);
    buffer_init(&file);
    buffer_init(&header);
    read_rows(&rows, &width, &height);
    crc_prepare();
    put_number(&header, width);
    put_number(&header, height);
    buffer_append(&header, "\x08\x02\0\0\0", 5); // eight bits, red green blue
    put_stored(&data, &rows);
    buffer_append(&file, "\x89PNG\r\n\x1a\n", 8);
    put_chunk(&file, "IHDR", header.data, header.length);
    put_chunk(&file, "IDAT", data.data, data.length);
    put_chunk(&file, "IEND", NULL, 0);
    int fd = open(program_operands[0], O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (fd < 0 || !descriptor_write(fd, file.data, file.length) || close(fd) != 0)
        program_fail(program_operands[0], "%s", error_text(errno));
    return program_end(0);
}
