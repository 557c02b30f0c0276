// Device control. libc turns these requests into calls of the terminal and block protocols; there is no
// pass-through, so an unknown request is ENOTTY.
#pragma once

struct winsize {
    unsigned short ws_row, ws_col, ws_xpixel, ws_ypixel;
};

// A keyboard layout: the bytes of a file of /etc/keymaps, or, to set it, the name of one that is built in.
struct keyboard_layout {
    void *bytes;
    unsigned long size; // in: of `bytes`; out: what was got
};

// Lines of what the screen shows, three bytes (red, green, blue) for a pixel.
struct screen_lines {
    unsigned long line; // the first
    void *pixels;
    unsigned long size;          // in: of `pixels`; out: what was got, 0 below the last line
    unsigned long width, height; // out: of the screen
};

// A place on a screen: 0 the default colour, 1 to 256 an entry of the palette plus one, 0x01rrggbb a true colour.
struct screen_cell {
    unsigned character; // Unicode
    unsigned foreground, background;
    unsigned short attributes; // bits: bold, faint, italic, underlined, blinking, inverse, invisible, struck, double underlined,
                               // overlined, curly, protected, left and right half of a wide character
    unsigned short marks[3];   // that combine with the character
};

struct screen_cells {
    unsigned long row;
    struct screen_cell *cells;
    unsigned long count;                                    // in: of `cells`; out: what was got
    unsigned long rows, columns, cursor_row, cursor_column; // out
};

#define KDGETLAYOUT  0x4b80 // struct keyboard_layout *; numbers of our own
#define KDSETLAYOUT  0x4b81 // const struct keyboard_layout *
#define KDPICTURE    0x4b82 // struct screen_lines *
#define KDCELLS      0x4b83 // struct screen_cells *: a row
#define TIOCSCTTY    0x540e
#define TIOCGPGRP    0x540f
#define TIOCSPGRP    0x5410
#define TIOCGWINSZ   0x5413
#define TIOCSWINSZ   0x5414
#define FIONREAD     0x541b     // int *: bytes that can be read now
#define BLKGETSIZE64 0x80081272 // uint64_t *: bytes of a block device

int ioctl(int fd, unsigned long request, ...);
