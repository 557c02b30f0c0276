// df: tells how much space is left on file systems.
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "programs/common/files.h"
#include "programs/common/proc.h"
#include "programs/common/program.h"

static bool human = false, inodes = false, all = false;

static void size_print(uint64_t bytes) {
    char text[16];
    size_text(bytes, text);
    if (human)
        printf(" %9s", text);
    else
        printf(" %11llu", (unsigned long long)bytes / 1024);
}

// Used as a share of what an ordinary user could use, rounded up, as df always did.
static void share_print(uint64_t used, uint64_t usable) {
    if (usable)
        printf(" %3llu%%", (unsigned long long)((used * 100 + usable - 1) / usable));
    else
        printf("    -");
}

static bool print(const struct proc_mount *mount, const struct statvfs *info) {
    uint64_t unit = info->f_frsize ? info->f_frsize : info->f_bsize;
    if (!all && !info->f_blocks && !inodes)
        return false; // nothing is stored there
    printf("%-16s", mount->source);
    if (inodes) {
        uint64_t used = info->f_files - info->f_ffree;
        printf(" %11llu %11llu %11llu", (unsigned long long)info->f_files, (unsigned long long)used,
               (unsigned long long)info->f_ffree);
        share_print(used, info->f_files);
    } else {
        uint64_t used = info->f_blocks - info->f_bfree;
        size_print(info->f_blocks * unit);
        size_print(used * unit);
        size_print(info->f_bavail * unit);
        share_print(used, used + info->f_bavail);
    }
    printf(" %s\n", mount->target);
    return true;
}

// The mount that a path lies on: the last one with its device, since later mounts cover earlier ones.
static int path_print(const char *path) {
    struct stat info, root;
    struct statvfs space;
    if (stat(path, &info) != 0 || statvfs(path, &space) != 0) {
        program_errno(path);
        return 1;
    }
    struct proc_file file;
    struct proc_mount mount, found = {0};
    proc_open(&file, "mounts");
    while (proc_mount_next(&file, &mount)) {
        if (stat(mount.target, &root) == 0 && root.st_dev == info.st_dev)
            found = mount;
    }
    static char unknown[] = "-";
    if (!found.source)
        found = (struct proc_mount){unknown, unknown, unknown, unknown};
    bool outer = all;
    all = true;
    print(&found, &space);
    all = outer;
    proc_close(&file);
    return 0;
}

int main(int argc, char **argv) {
    program_start(argc, argv, "[-hika] [PATH]...",
                  "  -h  sizes as 1.2K, 34M (else in KiB)   -i  inodes instead of space\n"
                  "  -a  file systems without space as well\n");
    for (int option; (option = program_option("hika")) != -1;) {
        human |= option == 'h';
        inodes |= option == 'i';
        all |= option == 'a';
    }
    if (inodes)
        printf("Filesystem            Inodes        Used        Free Use%% Mounted on\n");
    else if (human)
        printf("Filesystem            Size      Used Available Use%% Mounted on\n");
    else
        printf("Filesystem           1K-blocks        Used   Available Use%% Mounted on\n");
    int status = 0;
    for (char **path = program_operands; *path; path++)
        status |= path_print(*path);
    if (program_operand_count)
        return program_end(status);
    struct proc_file file;
    struct proc_mount mount;
    proc_open(&file, "mounts");
    while (proc_mount_next(&file, &mount)) {
        struct statvfs space;
        if (statvfs(mount.target, &space) == 0) {
            print(&mount, &space);
        } else {
            program_errno(mount.target);
            status = 1;
        }
    }
    proc_close(&file);
    return program_end(status);
}
