// stat: prints everything that is known about a file.
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "programs/common/device.h"
#include "programs/common/files.h"
#include "programs/common/program.h"

static const char *kind_of(const struct stat *info) {
    return S_ISDIR(info->st_mode)    ? "directory"
           : S_ISLNK(info->st_mode)  ? "symbolic link"
           : S_ISCHR(info->st_mode)  ? "character device"
           : S_ISBLK(info->st_mode)  ? "block device"
           : S_ISFIFO(info->st_mode) ? "pipe"
           : S_ISSOCK(info->st_mode) ? "socket"
           : info->st_size == 0      ? "regular empty file"
                                     : "regular file";
}

static void time_print(const char *title, const struct timespec *when) {
    char text[64], zone[16];
    const struct tm *parts = localtime(&when->tv_sec);
    if (!parts || !strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", parts) || !strftime(zone, sizeof(zone), "%z", parts))
        printf("%s: @%lld\n", title, (long long)when->tv_sec);
    else
        printf("%s: %s.%09ld %s\n", title, text, when->tv_nsec, zone);
}

static void all_print(const char *path, const struct stat *info) {
    char mode[11], target[4096];
    ssize_t length = S_ISLNK(info->st_mode) ? readlink(path, target, sizeof(target) - 1) : -1;
    mode_text(info->st_mode, mode);
    printf("  File: %s", path);
    if (length >= 0)
        printf(" -> %.*s", (int)length, target);
    printf("\n  Size: %-15lld Blocks: %-10lld Block size: %-6ld %s\n", (long long)info->st_size, (long long)info->st_blocks,
           (long)info->st_blksize, kind_of(info));
    printf("Device: %-15llu Inode: %-11llu Links: %lu", (unsigned long long)info->st_dev, (unsigned long long)info->st_ino,
           (unsigned long)info->st_nlink);
    if (S_ISCHR(info->st_mode) || S_ISBLK(info->st_mode))
        printf("  Device type: %u,%u", (unsigned)major(info->st_rdev), (unsigned)minor(info->st_rdev));
    printf("\nAccess: (%04o/%s)  Owner: %lu/%s", (unsigned)(info->st_mode & 07777), mode, (unsigned long)info->st_uid,
           owner_name(info->st_uid));
    printf("  Group: %lu/%s\n", (unsigned long)info->st_gid, group_name(info->st_gid));
    time_print("Access", &info->st_atim);
    time_print("Modify", &info->st_mtim);
    time_print("Change", &info->st_ctim);
}

static void letter_print(char letter, const char *path, const struct stat *info) {
    char mode[11];
    switch (letter) {
    case 'n':
        printf("%s", path);
        break;
    case 's':
        printf("%lld", (long long)info->st_size);
        break;
    case 'b':
        printf("%lld", (long long)info->st_blocks);
        break;
    case 'i':
        printf("%llu", (unsigned long long)info->st_ino);
        break;
    case 'h':
        printf("%lu", (unsigned long)info->st_nlink);
        break;
    case 'a':
        printf("%o", (unsigned)(info->st_mode & 07777));
        break;
    case 'A':
        mode_text(info->st_mode, mode);
        printf("%s", mode);
        break;
    case 'u':
        printf("%lu", (unsigned long)info->st_uid);
        break;
    case 'g':
        printf("%lu", (unsigned long)info->st_gid);
        break;
    case 'U':
        printf("%s", owner_name(info->st_uid));
        break;
    case 'G':
        printf("%s", group_name(info->st_gid));
        break;
    case 'F':
        printf("%s", kind_of(info));
        break;
    case 'X':
        printf("%lld", (long long)info->st_atim.tv_sec);
        break;
    case 'Y':
        printf("%lld", (long long)info->st_mtim.tv_sec);
        break;
    case 'Z':
        printf("%lld", (long long)info->st_ctim.tv_sec);
        break;
    case '%':
        putchar('%');
        break;
    default:
        program_usage_error("-c: unknown letter: %%%c", letter);
    }
}

static void format_print(const char *format, const char *path, const struct stat *info) {
    for (; *format; format++) {
        if (*format == '%' && format[1])
            letter_print(*++format, path, info);
        else
            putchar(*format);
    }
    putchar('\n');
}

int main(int argc, char **argv) {
    program_start(argc, argv, "[-L] [-c FORMAT] FILE...",
                  "  -L         what a link points to\n"
                  "  -c FORMAT  print chosen fields: %n name, %s size, %b blocks, %i inode, %h links, %a %A mode,\n"
                  "             %u %U owner, %g %G group, %F kind, %X %Y %Z times of access, change, attributes\n");
    bool follow = false;
    const char *format = NULL;
    for (int option; (option = program_option("Lc:")) != -1;) {
        if (option == 'L')
            follow = true;
        else
            format = program_argument;
    }
    if (program_operand_count == 0)
        program_usage_error("no file given");
    int status = 0;
    for (char **path = program_operands; *path; path++) {
        struct stat info;
        if ((follow ? stat(*path, &info) : lstat(*path, &info)) != 0) {
            program_errno(*path);
            status = 1;
        } else if (format) {
            format_print(format, *path, &info);
        } else {
            all_print(*path, &info);
        }
    }
    return program_end(status);
}
