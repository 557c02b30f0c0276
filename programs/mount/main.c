// mount: lists what is mounted, or mounts a file system.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>

#include "programs/common/proc.h"
#include "programs/common/program.h"

static int mounts_list(void) {
    struct proc_file file;
    struct proc_mount mounted;
    proc_open(&file, "mounts");
    while (proc_mount_next(&file, &mounted))
        printf("%s on %s type %s (%s)\n", mounted.source, mounted.target, mounted.type, mounted.options);
    proc_close(&file);
    return program_end(0);
}

// ro and rw become flags; what is left goes to the file server as it is.
static unsigned long options_parse(char *options, unsigned long flags) {
    char *out = options;
    for (char *word = options; word && *word;) {
        char *comma = strchr(word, ',');
        if (comma)
            *comma = 0;
        if (strcmp(word, "ro") == 0) {
            flags |= MS_RDONLY;
        } else if (strcmp(word, "rw") == 0) {
            flags &= ~(unsigned long)MS_RDONLY;
        } else if (strcmp(word, "remount") == 0) {
            flags |= MS_REMOUNT;
        } else {
            if (out != options)
                *out++ = ',';
            size_t length = strlen(word);
            memmove(out, word, length);
            out += length;
        }
        word = comma ? comma + 1 : NULL;
    }
    *out = 0;
    return flags;
}

int main(int argc, char **argv) {
    program_start(argc, argv, "[-r] [-t TYPE] [-o OPTIONS] [DEVICE DIRECTORY]",
                  "  -r  read-only   -t  the kind of file system (else ext2)   -o  ro, rw, remount and what "
                  "the kind knows\n"
                  "Without operands, lists what is mounted.\n");
    unsigned long flags = 0;
    const char *type = "ext2";
    static char none[] = "";
    char *options = none;
    for (int option; (option = program_option("rt:o:")) != -1;) {
        if (option == 'r')
            flags |= MS_RDONLY;
        else if (option == 't')
            type = program_argument;
        else
            options = program_argument;
    }
    if (argc == 1)
        return mounts_list();
    if (program_operand_count != 2)
        program_usage_error("device and directory needed");
    flags = options_parse(options, flags);
    if (mount(program_operands[0], program_operands[1], type, flags, *options ? options : NULL) != 0)
        program_fail(program_operands[1], "can't mount %s as %s: %s", program_operands[0], type, error_text(errno));
    return 0;
}
