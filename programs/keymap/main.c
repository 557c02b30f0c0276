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

int main(int argc, char **argv) {
    bool listing = false;
    program_start(argc, argv, "[-l | NAME | FILE]",
                  "Without NAME: shows the layout in use.\n  -l  list the layouts of " FOLDER "\n"
                  "At the start the kernel's option keymap=NAME chooses, else the name in /etc/keymap.\n");
    for (int option; (option = program_option("l")) != -1;)
        listing = true;
    if (program_operand_count > 1)
        program_usage_error("unexpected: %s", program_operands[1]);
    if (listing)
        return program_end(list());
    int console = open(CONSOLE, O_RDWR | O_NOCTTY);
    if (console < 0)
        program_fail(CONSOLE, "%s", error_text(errno));
    return program_end(program_operand_count == 0 ? show(console) : choose(console, program_operands[0]));
}
