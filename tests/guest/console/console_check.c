// A role that sits at a terminal in place of a shell, for tests of console and its drivers without file
// systems: reads lines and does what they say. Sessions: `terminal`. Lines: echo TEXT, raw (shows keys in
// hexadecimal until q), size, card, load KIB (how long a text of that size takes).
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>

#include "kernel/abi/capability.h"
#include "libipc/client/clock.h"
#include "libipc/protocols/file.h"
#include "libipc/protocols/terminal.h"
#include "libipc/start/start.h"

enum { LINE_BYTES = 256, BLOCK_BYTES = 16384 };

static cap_t terminal;

int server_main(const struct startup *startup);

static void put(const char *bytes, size_t count) {
    uint64_t done;
    while (count > 0 && file_write(terminal, UINT64_MAX, 0, bytes, count, &done) == ERR_OK && done <= count) {
        bytes += done;
        count -= done;
    }
}

static void say(const char *text) {
    put(text, strlen(text));
}

static void card(void) {
    char text[128];
    say("\033[2J\033[H\033[1mBold\033[m \033[2mfaint\033[m \033[4munderlined\033[m \033[7minverse\033[m "
        "\033[9mstruck\033[m "
        "\033[4:2mdouble\033[m \033[53moverlined\033[m\n");
    for (int i = 0; i < 16; i++) {
        (void)snprintf(text, sizeof(text), "\033[48;5;%dm  \033[m", i);
        say(text);
    }
    say("\n");
    for (int i = 0; i < 72; i++) {
        (void)snprintf(text, sizeof(text), "\033[48;2;%d;%d;%dm \033[m", 255 - i * 3, i * 3, 128 + i);
        say(text);
    }
    say("\nGr\303\274\303\237e, \316\232\316\261\316\273\316\267\316\274\316\255\317\201\316\261, "
        "\320\237\321\200\320\270\320\262\320\265\321\202, "
        "\343\201\223\343\202\223\343\201\253\343\201\241\343\201\257\n");
    say("\342\224\214\342\224\200\342\224\254\342\224\200\342\224\220 "
        "\342\226\221\342\226\222\342\226\223\342\226\210 "
        "\342\206\220\342\206\221\342\206\222\342\206\223 \342\210\200\342\210\203\342\211\240\342\210\236\n"
        "\342\224\202 \342\224\202 "
        "\342\224\202\n\342\224\224\342\224\200\342\224\264\342\224\200\342\224\230 "
        "\033(0lqwqk\033(B\n");
}

static void raw(void) {
    struct terminal_attributes before, settings;
    char bytes[32], text[8];
    uint64_t count;
    if (terminal_attributes(terminal, &before) != ERR_OK)
        return;
    settings = before;
    settings.local &= ~(uint32_t)(ICANON | ECHO | ISIG | IEXTEN);
    settings.input &= ~(uint32_t)(ICRNL | IXON);
    (void)terminal_set_attributes(terminal, ATTRIBUTE_WHEN_NOW, &settings);
    do {
        if (file_read(terminal, UINT64_MAX, 0, bytes, sizeof(bytes), &count) != ERR_OK)
            break;
        for (uint64_t i = 0; i < count; i++) {
            (void)snprintf(text, sizeof(text), "%02x ", (unsigned)(unsigned char)bytes[i]);
            say(text);
        }
        say("\n");
    } while (count == 0 || bytes[count - 1] != 'q');
    (void)terminal_set_attributes(terminal, ATTRIBUTE_WHEN_FLUSH, &before);
}

static void load(uint64_t kib) {
    static char block[BLOCK_BYTES];
    char text[80];
    for (size_t i = 0; i < sizeof(block); i++)
        block[i] = i % 76 == 75 ? '\n' : (char)('!' + i % 90);
    uint64_t start = clock_monotonic();
    for (uint64_t done = 0; done < kib * 1024; done += sizeof(block))
        put(block, sizeof(block));
    (void)terminal_drain(terminal);
    (void)snprintf(text, sizeof(text), "\nload: %llu KiB in %llu ms\n", (unsigned long long)kib,
                   (unsigned long long)((clock_monotonic() - start) / 1000000));
    say(text);
}

static void run(char *line) {
    char text[80];
    struct window_size size;
    if (strncmp(line, "echo ", 5) == 0) {
        say(line + 5);
        say("\n");
    } else if (strcmp(line, "raw") == 0) {
        raw();
    } else if (strcmp(line, "card") == 0) {
        card();
    } else if (strncmp(line, "load ", 5) == 0) {
        load(strtoull(line + 5, NULL, 10));
    } else if (strcmp(line, "size") == 0 && terminal_window(terminal, &size) == ERR_OK) {
        (void)snprintf(text, sizeof(text), "%u rows, %u columns\n", size.rows, size.columns);
        say(text);
    } else if (*line) {
        say("what?\n");
    }
}

int server_main(const struct startup *startup) {
    char line[LINE_BYTES];
    uint64_t count;
    (void)startup;
    terminal = startup_capability("terminal");
    say("console_check is here\n");
    for (;;) {
        say("> ");
        error_t error = file_read(terminal, UINT64_MAX, 0, line, sizeof(line) - 1, &count);
        if (error != ERR_OK) {
            (void)snprintf(line, sizeof(line), "read: error %d\n", error);
            say(line);
            return 1;
        }
        if (count == 0)
            say("(end of file)\n");
        line[count] = 0;
        line[strcspn(line, "\n")] = 0;
        run(line);
    }
}
