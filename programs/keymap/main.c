// keymap: shows or chooses the layout of the keyboard. The choice holds until the next start; /etc/keymap
// keeps one.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "programs/common/program.h"

#define FOLDER  "/etc/keymaps"
#define CONSOLE "/dev/console"
#define CHOICE  "/etc/keymap"

enum { LAYOUT_BYTES = 1024, NAME_START = 4, NAME_BYTES = 12 }; // servers/console/keymap.h

static int list(void) {
    DIR *folder = opendir(FOLDER);
    if (folder == NULL) {
        program_errno(FOLDER);
        return 1;
    }
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
        if (entry->d_name[0] != '.')
            printf("%s\n", entry->d_name);
    closedir(folder);
    return 0;
}

static int show(int console) {
    char bytes[LAYOUT_BYTES];
    struct keyboard_layout layout = {.bytes = bytes, .size = sizeof(bytes)};
    if (ioctl(console, KDGETLAYOUT, &layout) != 0 || layout.size < NAME_START + NAME_BYTES) {
        program_errno(CONSOLE);
        return 1;
    }
    printf("%.*s\n", NAME_BYTES, bytes + NAME_START);
    return 0;
}

// A file's contents; if there is no such file, the name alone, which the console may know.
static size_t read_layout(const char *name, char *bytes) {
    char path[256];
    (void)snprintf(path, sizeof(path), "%s%s", strchr(name, '/') ? "" : FOLDER "/", name);
    int fd = open(path, O_RDONLY);
    ssize_t count = fd < 0 ? -1 : read(fd, bytes, LAYOUT_BYTES);
    if (fd >= 0)
        (void)close(fd);
    if (count > 0)
        return (size_t)count;
    if (strlen(name) >= LAYOUT_BYTES)
        return 0;
    memcpy(bytes, name, strlen(name));
    return strlen(name);
}

static int choose(int console, const char *name) {
    char bytes[LAYOUT_BYTES];
    struct keyboard_layout layout = {.bytes = bytes, .size = read_layout(name, bytes)};
    if (ioctl(console, KDSETLAYOUT, &layout) == 0)
        return 0;
    if (errno == ENOENT)
        program_error(name, "no such layout; keymap -l lists them");
    else
        program_errno(name);
    return 1;
}

static bool option_chose(void) {
    char line[1024] = "";
    FILE *file = fopen("/proc/cmdline", "r");
    if (file == NULL)
        return false;
    bool read = fgets(line, sizeof(line), file) != NULL;
    (void)fclose(file);
    return read && strstr(line, "keymap=") != NULL;
}

// At the start: what /etc/keymap names, unless the kernel's option has chosen.
static int choose_from_file(int console) {
    char name[64] = "";
    FILE *file = fopen(CHOICE, "r");
    if (file == NULL || fgets(name, sizeof(name), file) == NULL) {
        program_errno(CHOICE);
        return 1;
    }
    (void)fclose(file);
    name[strcspn(name, " \t\n")] = 0;
    return option_chose() ? 0 : choose(console, name);
}

int main(int argc, char **argv) {
    bool listing = false, from_file = false;
    program_start(argc, argv, "[-l | NAME | FILE]",
                  "Without NAME: shows the layout in use.\n  -l  list the layouts of " FOLDER "\n"
                  "  -b  take the one in " CHOICE ", unless keymap=NAME was given at the start\n"
                  "At the start the kernel's option keymap=NAME chooses, else the name in /etc/keymap.\n");
    for (int option; (option = program_option("lb")) != -1;) {
        listing |= option == 'l';
        from_file |= option == 'b';
    }
    if (program_operand_count > 1)
        program_usage_error("unexpected: %s", program_operands[1]);
    if (listing)
        return program_end(list());
    int console = open(CONSOLE, O_RDWR | O_NOCTTY);
    if (console < 0)
        program_fail(CONSOLE, "%s", error_text(errno));
    if (from_file)
        return program_end(choose_from_file(console));
    return program_end(program_operand_count == 0 ? show(console) : choose(console, program_operands[0]));
}
