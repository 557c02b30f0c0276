// The text of a screen, line by line, without what is blank at its end. Called by main.c.
#include "programs/screenshot/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "programs/common/program.h"
#include "programs/common/utf8.h"

enum { COLUMNS_MOST = 512, RIGHT_HALF = 1 << 13 };

static void append_cell(struct buffer *line, const struct screen_cell *cell) {
    char bytes[4];
    if (cell->attributes & RIGHT_HALF)
        return;
    buffer_append(line, bytes, utf8_encode(cell->character ? cell->character : ' ', bytes));
    for (size_t i = 0; i < sizeof(cell->marks) / sizeof(cell->marks[0]) && cell->marks[i]; i++)
        buffer_append(line, bytes, utf8_encode(cell->marks[i], bytes));
}

void text_read(const char *path, struct buffer *text) {
    static struct screen_cell cells[COLUMNS_MOST];
    struct screen_cells row = {.rows = 1};
    int terminal = open(path, O_RDWR | O_NOCTTY);
    size_t end = 0; // of the last line that is not blank
    if (terminal < 0)
        program_fail(path, "%s", error_text(errno));
    for (; row.row < row.rows; row.row++) {
        row.cells = cells;
        row.count = COLUMNS_MOST;
        if (ioctl(terminal, KDCELLS, &row) != 0)
            program_fail(path, "%s", errno == ENODEV ? "nothing was shown there yet" : error_text(errno));
        size_t start = text->length;
        for (unsigned long i = 0; i < row.count; i++)
            append_cell(text, &cells[i]);
        while (text->length > start && text->data[text->length - 1] == ' ')
            buffer_replace(text, text->length - 1, 1, NULL, 0);
        bool blank = text->length == start;
        buffer_append_byte(text, '\n');
        end = blank ? end : text->length;
    }
    buffer_replace(text, end, text->length - end, NULL, 0);
    (void)close(terminal);
}
