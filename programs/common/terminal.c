// Raw mode, size, and the decoding of keys. The only state is bytes in flight inside one call.
#include "programs/common/terminal.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "programs/common/utf8.h"

// The rest of a sequence follows its ESC at once; a lone ESC is the key.
#define ESCAPE_TIMEOUT_MS 50

bool terminal_raw_begin(int descriptor, struct termios *saved, tcflag_t kept) {
    if (tcgetattr(descriptor, saved) != 0)
        return false;
    struct termios raw = *saved;
    raw.c_iflag &= ~(tcflag_t)(BRKINT | ICRNL | INPCK | ISTRIP | IXON);
    raw.c_lflag &= ~(tcflag_t)(ECHO | ICANON | IEXTEN | ISIG) | kept;
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    return tcsetattr(descriptor, TCSADRAIN, &raw) == 0;
}

void terminal_raw_end(int descriptor, const struct termios *saved) {
    tcsetattr(descriptor, TCSADRAIN, saved);
}

static int environment_number(const char *name, int fallback) {
    const char *text = getenv(name);
    long number = text ? strtol(text, NULL, 10) : 0;
    return number > 0 && number < 10000 ? (int)number : fallback;
}

void terminal_size(int descriptor, int *rows, int *columns) {
    struct winsize size;
    if (ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0) {
        *rows = size.ws_row;
        *columns = size.ws_col;
        return;
    }
    *rows = environment_number("LINES", 24);
    *columns = environment_number("COLUMNS", 80);
}

// One byte, or -1 if none came in time, or -2 at the end of the input.
static int byte_read(int descriptor, int timeout) {
    if (timeout >= 0) {
        struct pollfd poll_for = {.fd = descriptor, .events = POLLIN};
        int ready = poll(&poll_for, 1, timeout);
        if (ready <= 0)
            return -1;
    }
    unsigned char byte;
    ssize_t count = read(descriptor, &byte, 1);
    if (count == 1)
        return byte;
    return count < 0 && errno == EINTR ? -1 : -2;
}

static uint32_t tilde_key(int number) {
    static const uint32_t keys[] = {[1] = KEY_HOME,    [2] = KEY_INSERT,    [3] = KEY_DELETE, [4] = KEY_END,
                                    [5] = KEY_PAGE_UP, [6] = KEY_PAGE_DOWN, [7] = KEY_HOME,   [8] = KEY_END};
    return number > 0 && number <= 8 ? keys[number] : KEY_UNKNOWN;
}

static uint32_t letter_key(int letter, bool modified) {
    switch (letter) {
    case 'A':
        return KEY_UP;
    case 'B':
        return KEY_DOWN;
    case 'C':
        return modified ? KEY_WORD_RIGHT : KEY_RIGHT;
    case 'D':
        return modified ? KEY_WORD_LEFT : KEY_LEFT;
    case 'H':
        return KEY_HOME;
    case 'F':
        return KEY_END;
    default:
        return KEY_UNKNOWN;
    }
}

struct terminal_mouse terminal_mouse;

void terminal_mouse_reports(int descriptor, bool on) {
    static const char begin[] = "\033[?1002h\033[?1006h", end[] = "\033[?1006l\033[?1002l";
    (void)!write(descriptor, on ? begin : end, sizeof(begin) - 1);
}

// CSI < BUTTON ; COLUMN ; ROW, then M, or m when it is released (xterm's SGR reports).
static uint32_t mouse_read(const int *parameters, int count, int final) {
    if (count != 3 || (final != 'M' && final != 'm'))
        return KEY_UNKNOWN;
    terminal_mouse = (struct terminal_mouse){.button = parameters[0] & ~28, // without modifiers
                                             .row = parameters[2] - 1,
                                             .column = parameters[1] - 1,
                                             .released = final == 'm'};
    return KEY_MOUSE;
}

// CSI: parameters, then one final byte from @ to ~ (ECMA-48, 5.4).
static uint32_t sequence_read(int descriptor) {
    int parameters[4] = {0}, count = 1;
    bool mouse = false;
    for (int length = 0; length < 32; length++) {
        int byte = byte_read(descriptor, ESCAPE_TIMEOUT_MS);
        if (byte < 0)
            return KEY_UNKNOWN;
        if (byte >= '0' && byte <= '9') {
            if (count <= 4)
                parameters[count - 1] = (parameters[count - 1] * 10 + byte - '0') % 10000;
        } else if (byte == ';') {
            count++;
        } else if (byte == '<') {
            mouse = true;
        } else if (byte >= '@' && byte <= '~') {
            if (mouse)
                return mouse_read(parameters, count, byte);
            return byte == '~' ? tilde_key(parameters[0]) : letter_key(byte, count > 1 && parameters[1] > 1);
        }
    }
    return KEY_UNKNOWN;
}

static uint32_t escape_read(int descriptor) {
    int byte = byte_read(descriptor, ESCAPE_TIMEOUT_MS);
    if (byte < 0)
        return 27;
    if (byte == '[')
        return sequence_read(descriptor);
    if (byte == 'O') { // SS3: cursor keys in application mode
        byte = byte_read(descriptor, ESCAPE_TIMEOUT_MS);
        return byte < 0 ? KEY_UNKNOWN : letter_key(byte, false);
    }
    return KEY_ALT + (uint32_t)byte;
}

uint32_t terminal_key_read(int descriptor, int timeout) {
    int byte = byte_read(descriptor, timeout);
    if (byte == -1)
        return KEY_NONE;
    if (byte == -2)
        return KEY_CLOSED;
    if (byte == 27)
        return escape_read(descriptor);
    if (byte < 0xc0)
        return (uint32_t)byte;
    char text[4] = {(char)byte};
    size_t size = byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
    size_t length = 1;
    while (length < size) {
        int next = byte_read(descriptor, ESCAPE_TIMEOUT_MS);
        if (next < 0)
            break;
        text[length++] = (char)next;
    }
    uint32_t code;
    utf8_decode(text, length, &code);
    return code;
}
