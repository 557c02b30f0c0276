// lsblk: lists the disks with their partitions and where these are mounted.
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "programs/common/files.h"
#include "programs/common/proc.h"
#include "programs/common/program.h"

#define DISKS_MAX 256

static struct proc_disk disks[DISKS_MAX];
static int count = 0;

// Where the device is mounted, or "". The text lasts as long as the file is open.
static const char *mount_point(const char *name) {
    static struct proc_file file;
    struct proc_mount mount;
    proc_close(&file);
    proc_open(&file, "mounts");
    while (proc_mount_next(&file, &mount)) {
        const char *source = strncmp(mount.source, "/dev/", 5) == 0 ? mount.source + 5 : mount.source;
        if (strcmp(source, name) == 0)
            return mount.target;
    }
    return "";
}

static void print(const struct proc_disk *disk, const char *branch, bool bytes) {
    char size[24], name[48];
    if (bytes)
        snprintf(size, sizeof(size), "%llu", (unsigned long long)disk->bytes);
    else
        size_text(disk->bytes, size);
    snprintf(name, sizeof(name), "%s%s", branch, disk->name);
    // The branch is two characters of three bytes each.
    printf("%-*s %12s  %-4s  %s", *branch ? 18 : 14, name, size, disk->read_only ? "ro" : "rw", *branch ? "part" : "disk");
    const char *target = mount_point(disk->name);
    if (*target)
        printf("  %s", target);
    if (!*branch && *disk->model)
        printf("  (%s)", disk->model);
    putchar('\n');
}

int main(int argc, char **argv) {
    program_start(argc, argv, "[-b]", "  -b  sizes in bytes\n");
    bool bytes = false;
    while (program_option("b") != -1)
        bytes = true;
    struct proc_file file;
    proc_open(&file, "disks");
    while (count < DISKS_MAX && proc_disk_next(&file, &disks[count]))
        count++;
    printf("NAME                   SIZE  MODE  TYPE\n");
    for (int i = 0; i < count; i++) {
        if (strcmp(disks[i].parent, "-") != 0)
            continue;
        print(&disks[i], "", bytes);
        int left = 0;
        for (int j = 0; j < count; j++)
            left += strcmp(disks[j].parent, disks[i].name) == 0;
        for (int j = 0; j < count; j++) {
            if (strcmp(disks[j].parent, disks[i].name) == 0)
                print(&disks[j], --left ? "├─" : "└─", bytes);
        }
    }
    return program_end(0);
}
