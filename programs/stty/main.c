// stty: shows and changes the settings of a terminal (POSIX stty).
#define _DEFAULT_SOURCE // the build machine shows what is beyond POSIX only then
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "programs/common/program.h"

enum field { INPUT, OUTPUT, CONTROL, LOCAL };

static const struct flag {
    const char *name;
    enum field field;
    tcflag_t mask, value; // on: these bits of the mask
} flags[] = {
    {"brkint", INPUT, BRKINT, BRKINT},    {"icrnl", INPUT, ICRNL, ICRNL},      {"ignbrk", INPUT, IGNBRK, IGNBRK},
    {"igncr", INPUT, IGNCR, IGNCR},       {"ignpar", INPUT, IGNPAR, IGNPAR},   {"imaxbel", INPUT, IMAXBEL, IMAXBEL},
    {"inlcr", INPUT, INLCR, INLCR},       {"inpck", INPUT, INPCK, INPCK},      {"istrip", INPUT, ISTRIP, ISTRIP},
    {"iutf8", INPUT, IUTF8, IUTF8},       {"ixany", INPUT, IXANY, IXANY},      {"ixoff", INPUT, IXOFF, IXOFF},
    {"ixon", INPUT, IXON, IXON},          {"parmrk", INPUT, PARMRK, PARMRK},   {"ocrnl", OUTPUT, OCRNL, OCRNL},
    {"onlcr", OUTPUT, ONLCR, ONLCR},      {"onlret", OUTPUT, ONLRET, ONLRET},  {"onocr", OUTPUT, ONOCR, ONOCR},
    {"opost", OUTPUT, OPOST, OPOST},      {"tab0", OUTPUT, TABDLY, TAB0},      {"tab3", OUTPUT, TABDLY, TAB3},
    {"clocal", CONTROL, CLOCAL, CLOCAL},  {"cread", CONTROL, CREAD, CREAD},    {"cs7", CONTROL, CSIZE, CS7},
    {"cs8", CONTROL, CSIZE, CS8},         {"cstopb", CONTROL, CSTOPB, CSTOPB}, {"hupcl", CONTROL, HUPCL, HUPCL},
    {"parenb", CONTROL, PARENB, PARENB},  {"parodd", CONTROL, PARODD, PARODD}, {"echo", LOCAL, ECHO, ECHO},
    {"echoctl", LOCAL, ECHOCTL, ECHOCTL}, {"echoe", LOCAL, ECHOE, ECHOE},      {"echok", LOCAL, ECHOK, ECHOK},
    {"echoke", LOCAL, ECHOKE, ECHOKE},    {"echonl", LOCAL, ECHONL, ECHONL},   {"icanon", LOCAL, ICANON, ICANON},
    {"iexten", LOCAL, IEXTEN, IEXTEN},    {"isig", LOCAL, ISIG, ISIG},         {"noflsh", LOCAL, NOFLSH, NOFLSH},
    {"tostop", LOCAL, TOSTOP, TOSTOP},
};

static const struct {
    const char *name;
    int index;
    cc_t usual;
} characters[] = {
    {"intr", VINTR, 3},    {"quit", VQUIT, 28},       {"erase", VERASE, 127},  {"kill", VKILL, 21},
    {"eof", VEOF, 4},      {"eol", VEOL, 0},          {"eol2", VEOL2, 0},      {"start", VSTART, 17},
    {"stop", VSTOP, 19},   {"susp", VSUSP, 26},       {"rprnt", VREPRINT, 18}, {"werase", VWERASE, 23},
    {"lnext", VLNEXT, 22}, {"discard", VDISCARD, 15}, {"min", VMIN, 1},        {"time", VTIME, 0},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct termios settings;
static struct winsize size;
static bool size_changed;

static tcflag_t *field(enum field which) {
    tcflag_t *const fields[] = {&settings.c_iflag, &settings.c_oflag, &settings.c_cflag, &settings.c_lflag};
    return fields[which];
}

static void make_sane(void) {
    settings.c_iflag = BRKINT | ICRNL | IXON | IUTF8 | IMAXBEL;
    settings.c_oflag = OPOST | ONLCR;
    settings.c_cflag = (settings.c_cflag & ~(tcflag_t)CSIZE) | CS8 | CREAD;
    settings.c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN;
    for (size_t i = 0; i < COUNT(characters); i++)
        settings.c_cc[characters[i].index] = characters[i].usual;
}

static bool is_count(size_t i) {
    return characters[i].index == VMIN || characters[i].index == VTIME;
}

// --- Showing ---

static void show_character(size_t i) {
    cc_t value = settings.c_cc[characters[i].index];
    printf("%s = ", characters[i].name);
    if (is_count(i))
        printf("%u", value);
    else if (value == _POSIX_VDISABLE)
        printf("<undef>");
    else if (value == 127)
        printf("^?");
    else if (value < 32)
        printf("^%c", value + '@');
    else
        printf("%c", value);
    printf("; ");
}

static void show(bool all) {
    struct termios now = settings;
    int column = 0;
    printf("speed %u baud; rows %u; columns %u;\n", now.c_ospeed ? now.c_ospeed : 38400, size.ws_row, size.ws_col);
    make_sane();
    struct termios usual = settings;
    settings = now;
    for (size_t i = 0; i < COUNT(characters); i++) {
        if (!all && now.c_cc[characters[i].index] == usual.c_cc[characters[i].index])
            continue;
        show_character(i);
        if (++column % 6 == 0)
            printf("\n");
    }
    printf("%s", column % 6 ? "\n" : "");
    column = 0;
    for (size_t i = 0; i < COUNT(flags); i++) {
        tcflag_t value = *field(flags[i].field) & flags[i].mask;
        bool on = value == flags[i].value, several = (flags[i].mask & (flags[i].mask - 1)) != 0;
        settings = usual;
        bool same = (*field(flags[i].field) & flags[i].mask) == value;
        settings = now;
        if ((several && !on) || (!all && same))
            continue;
        column += printf("%s%s%s", column ? " " : "", on ? "" : "-", flags[i].name);
        if (column > 70) {
            printf("\n");
            column = 0;
        }
    }
    printf("%s", column ? "\n" : "");
}

static void show_for_stty(void) {
    printf("%x:%x:%x:%x", settings.c_iflag, settings.c_oflag, settings.c_cflag, settings.c_lflag);
    for (int i = 0; i < NCCS; i++)
        printf(":%x", settings.c_cc[i]);
    printf("\n");
}

// --- Changing ---

static bool set_saved(const char *text) {
    unsigned long values[4 + NCCS];
    char *end;
    for (int i = 0; i < 4 + NCCS; i++) {
        values[i] = strtoul(text, &end, 16);
        if (end == text || *end != (i == 3 + NCCS ? '\0' : ':'))
            return false;
        text = end + 1;
    }
    for (int i = 0; i < 4; i++)
        *field((enum field)i) = (tcflag_t)values[i];
    for (int i = 0; i < NCCS; i++)
        settings.c_cc[i] = (cc_t)values[4 + i];
    return true;
}

static bool set_flag(const char *word) {
    bool off = *word == '-';
    for (size_t i = 0; i < COUNT(flags); i++) {
        if (strcmp(word + off, flags[i].name) != 0)
            continue;
        tcflag_t *bits = field(flags[i].field);
        bool several = (flags[i].mask & (flags[i].mask - 1)) != 0;
        if (several && off)
            return false;
        *bits = (*bits & ~flags[i].mask) | (off ? 0 : flags[i].value);
        return true;
    }
    return false;
}

static void raw_or_cooked(bool raw) {
    if (raw) {
        cfmakeraw(&settings);
        return;
    }
    settings.c_iflag |= BRKINT | ICRNL | IXON;
    settings.c_oflag |= OPOST;
    settings.c_lflag |= ISIG | ICANON | IEXTEN;
    settings.c_cc[VMIN] = 1;
}

static bool set_combination(const char *word) {
    if (strcmp(word, "sane") == 0)
        make_sane();
    else if (strcmp(word, "raw") == 0 || strcmp(word, "-cooked") == 0)
        raw_or_cooked(true);
    else if (strcmp(word, "cooked") == 0 || strcmp(word, "-raw") == 0)
        raw_or_cooked(false);
    else if (strcmp(word, "cbreak") == 0)
        settings.c_lflag &= ~(tcflag_t)ICANON;
    else if (strcmp(word, "-cbreak") == 0)
        settings.c_lflag |= ICANON;
    else if (strcmp(word, "tabs") == 0 || strcmp(word, "-tabs") == 0)
        settings.c_oflag = (settings.c_oflag & ~(tcflag_t)TABDLY) | (*word == '-' ? TAB3 : TAB0);
    else
        return false;
    return true;
}

// A letter, ^ and a letter, ^- or undef.
static cc_t character_parse(const char *text) {
    if (strcmp(text, "^-") == 0 || strcmp(text, "undef") == 0)
        return _POSIX_VDISABLE;
    if (strcmp(text, "^?") == 0)
        return 127;
    if (text[0] == '^' && text[1] && !text[2])
        return (cc_t)(text[1] & 31);
    if (!text[0] || text[1])
        program_usage_error("%s is no character", text);
    return (cc_t)text[0];
}

// A word with a value behind it. False: it is none.
static bool set_value(const char *word, const char *value) {
    if (value == NULL)
        return false;
    if (strcmp(word, "rows") == 0 || strcmp(word, "columns") == 0 || strcmp(word, "cols") == 0) {
        unsigned short number = (unsigned short)number_parse(value, "number");
        *(*word == 'r' ? &size.ws_row : &size.ws_col) = number;
        size_changed = true;
        return true;
    }
    for (size_t i = 0; i < COUNT(characters); i++) {
        if (strcmp(word, characters[i].name) != 0)
            continue;
        settings.c_cc[characters[i].index] = is_count(i) ? (cc_t)number_parse(value, "number") : character_parse(value);
        return true;
    }
    return false;
}

static void change(int count, char **words) {
    for (int i = 0; i < count; i++) {
        if (set_flag(words[i]) || set_combination(words[i]) || set_saved(words[i]))
            continue;
        if (!set_value(words[i], i + 1 < count ? words[i + 1] : NULL))
            program_usage_error("%s: no such setting", words[i]);
        i++;
    }
}

int main(int argc, char **argv) {
    bool all = false, saved = false;
    int fd = STDIN_FILENO;
    // Settings may begin with a dash, so options end at the first word that is none.
    program_start(1, argv, "[-a | -g] [-F TERMINAL] [SETTING...]",
                  "  -a  show all settings\n  -g  show them as a word that stty takes\n  -F  of this "
                  "terminal, not standard input\n"
                  "  size  show rows and columns\n");
    int at = 1;
    for (; at < argc; at++) {
        if (strcmp(argv[at], "--help") == 0) {
            program_help();
        } else if (strcmp(argv[at], "-a") == 0) {
            all = true;
        } else if (strcmp(argv[at], "-g") == 0) {
            saved = true;
        } else if (strcmp(argv[at], "-F") == 0 && at + 1 < argc) {
            fd = open(argv[++at], O_RDWR | O_NOCTTY | O_NONBLOCK);
            if (fd < 0)
                program_fail(argv[at], "%s", error_text(errno));
        } else {
            break;
        }
    }
    if (tcgetattr(fd, &settings) != 0)
        program_fail("standard input", "%s", error_text(errno));
    (void)ioctl(fd, TIOCGWINSZ, &size);
    if (at < argc && strcmp(argv[at], "size") == 0 && at + 1 == argc) {
        printf("%u %u\n", size.ws_row, size.ws_col);
        return program_end(0);
    }
    if (at == argc) {
        if (saved)
            show_for_stty();
        else
            show(all);
        return program_end(0);
    }
    change(argc - at, argv + at);
    if (tcsetattr(fd, TCSADRAIN, &settings) != 0 || (size_changed && ioctl(fd, TIOCSWINSZ, &size) != 0))
        program_fail("the terminal", "%s", error_text(errno));
    return program_end(0);
}
