// ls: lists directories. Names are collected with their attributes, sorted, then printed in one of three
// layouts: one per line, long, or in columns. On a terminal, names are coloured by what they are and control
// characters shown as "?".
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "programs/common/device.h"
#include "programs/common/files.h"
#include "programs/common/program.h"
#include "programs/common/terminal.h"
#include "programs/common/utf8.h"

struct entry {
    char *name;
    char *target; // of a symbolic link, in the long layout
    struct stat info;
};

struct listing {
    struct entry *entries;
    size_t count;
};

static bool show_hidden, show_dots, long_layout, one_per_line, recursive, human, inodes, directories_as_files;
static bool by_time, by_size, reverse, classify, unsorted;
static bool colours;
static int status = 0;

static void entry_add(struct listing *listing, const char *name, const struct stat *info, char *target) {
    size_t count = listing->count;
    if ((count & (count - 1)) == 0) // grows at powers of two
        listing->entries = memory_resize(listing->entries, (count ? 2 * count : 1) * sizeof(struct entry));
    listing->entries[listing->count++] = (struct entry){string_copy(name), target, *info};
}

static void listing_free(struct listing *listing) {
    for (size_t i = 0; i < listing->count; i++) {
        free(listing->entries[i].name);
        free(listing->entries[i].target);
    }
    free(listing->entries);
}

static int entry_compare(const void *left, const void *right) {
    const struct entry *a = left, *b = right;
    int order = 0;
    if (by_size)
        order = (a->info.st_size < b->info.st_size) - (a->info.st_size > b->info.st_size);
    else if (by_time && a->info.st_mtim.tv_sec != b->info.st_mtim.tv_sec)
        order = a->info.st_mtim.tv_sec < b->info.st_mtim.tv_sec ? 1 : -1;
    else if (by_time)
        order = (a->info.st_mtim.tv_nsec < b->info.st_mtim.tv_nsec) - (a->info.st_mtim.tv_nsec > b->info.st_mtim.tv_nsec);
    if (order == 0)
        order = strcmp(a->name, b->name);
    return reverse ? -order : order;
}

static const char *colour_of(mode_t mode) {
    if (S_ISDIR(mode))
        return "\033[1;34m";
    if (S_ISLNK(mode))
        return "\033[1;36m";
    if (S_ISCHR(mode) || S_ISBLK(mode))
        return "\033[1;33m";
    if (S_ISFIFO(mode) || S_ISSOCK(mode))
        return "\033[33m";
    return mode & 0111 ? "\033[1;32m" : NULL;
}

static char class_of(mode_t mode) {
    return S_ISDIR(mode)                  ? '/'
           : S_ISLNK(mode)                ? '@'
           : S_ISFIFO(mode)               ? '|'
           : S_ISSOCK(mode)               ? '='
           : mode & 0111 && S_ISREG(mode) ? '*'
                                          : 0;
}

static void name_print(const struct entry *entry) {
    const char *colour = colours ? colour_of(entry->info.st_mode) : NULL;
    if (colour)
        fputs(colour, stdout);
    for (const char *c = entry->name; *c; c++)
        putchar(colours && ((unsigned char)*c < 32 || *c == 127) ? '?' : *c);
    if (colour)
        fputs("\033[0m", stdout);
    char class = classify ? class_of(entry->info.st_mode) : 0;
    if (class && !(long_layout && class == '@'))
        putchar(class);
}

// Six months ago or more, or in the future: the year says more than the hour.
static void time_print(time_t when) {
    char text[32];
    time_t now = time(NULL);
    const struct tm *parts = localtime(&when);
    bool recent = when <= now && now - when < 365 * 86400 / 2;
    if (!parts || strftime(text, sizeof(text), recent ? "%b %e %H:%M" : "%b %e  %Y", parts) == 0)
        snprintf(text, sizeof(text), "%lld", (long long)when);
    printf("%12s ", text);
}

static void size_format(const struct stat *info, char *text) {
    if (S_ISCHR(info->st_mode) || S_ISBLK(info->st_mode))
        snprintf(text, 32, "%u, %u", (unsigned)major(info->st_rdev), (unsigned)minor(info->st_rdev));
    else if (human)
        size_text((uint64_t)info->st_size, text);
    else
        snprintf(text, 32, "%lld", (long long)info->st_size);
}

struct widths {
    int inode, links, owner, group, size;
};

static void wider(int *width, size_t length) {
    if ((int)length > *width)
        *width = (int)length;
}

static struct widths widths_of(const struct listing *listing) {
    struct widths widths = {0};
    for (size_t i = 0; i < listing->count; i++) {
        const struct stat *info = &listing->entries[i].info;
        char text[32];
        size_format(info, text);
        wider(&widths.size, strlen(text));
        wider(&widths.owner, strlen(owner_name(info->st_uid)));
        wider(&widths.group, strlen(group_name(info->st_gid)));
        wider(&widths.links, (size_t)snprintf(NULL, 0, "%lu", (unsigned long)info->st_nlink));
        wider(&widths.inode, (size_t)snprintf(NULL, 0, "%llu", (unsigned long long)info->st_ino));
    }
    return widths;
}

static void long_print(const struct listing *listing, bool is_directory) {
    struct widths widths = widths_of(listing);
    unsigned long long blocks = 0;
    for (size_t i = 0; i < listing->count; i++)
        blocks += (unsigned long long)listing->entries[i].info.st_blocks;
    if (is_directory) {
        char text[16];
        size_text(blocks * 512, text);
        if (human)
            printf("total %s\n", text);
        else
            printf("total %llu\n", blocks / 2);
    }
    for (size_t i = 0; i < listing->count; i++) {
        const struct entry *entry = &listing->entries[i];
        char mode[11], size[32];
        mode_text(entry->info.st_mode, mode);
        size_format(&entry->info, size);
        if (inodes)
            printf("%*llu ", widths.inode, (unsigned long long)entry->info.st_ino);
        printf("%s %*lu %-*s ", mode, widths.links, (unsigned long)entry->info.st_nlink, widths.owner,
               owner_name(entry->info.st_uid));
        printf("%-*s %*s ", widths.group, group_name(entry->info.st_gid), widths.size, size);
        time_print(entry->info.st_mtim.tv_sec);
        name_print(entry);
        if (entry->target)
            printf(" -> %s", entry->target);
        putchar('\n');
    }
}

static size_t entry_width(const struct entry *entry) {
    size_t width = utf8_text_width(entry->name, strlen(entry->name));
    if (inodes)
        width += (size_t)snprintf(NULL, 0, "%llu ", (unsigned long long)entry->info.st_ino);
    return width + (classify && class_of(entry->info.st_mode) ? 1 : 0);
}

static void short_print(const struct entry *entry) {
    if (inodes)
        printf("%llu ", (unsigned long long)entry->info.st_ino);
    name_print(entry);
}

// The total width with that many rows, and the width of each column.
static size_t columns_measure(const struct listing *listing, size_t rows, size_t *widths) {
    size_t total = 0;
    for (size_t column = 0; column * rows < listing->count; column++) {
        widths[column] = 0;
        for (size_t i = column * rows; i < listing->count && i < (column + 1) * rows; i++) {
            size_t width = entry_width(&listing->entries[i]);
            if (width > widths[column])
                widths[column] = width;
        }
        total += widths[column] + 2;
    }
    return total - 2;
}

static void columns_print(const struct listing *listing) {
    int terminal_rows, width;
    terminal_size(STDOUT_FILENO, &terminal_rows, &width);
    size_t *widths = memory_allocate((listing->count + 1) * sizeof(size_t));
    size_t rows = 1;
    while (rows < listing->count && columns_measure(listing, rows, widths) > (size_t)width)
        rows++;
    columns_measure(listing, rows, widths);
    for (size_t row = 0; row < rows; row++) {
        for (size_t i = row, column = 0; i < listing->count; i += rows, column++) {
            short_print(&listing->entries[i]);
            if (i + rows < listing->count)
                printf("%*s", (int)(widths[column] + 2 - entry_width(&listing->entries[i])), "");
        }
        putchar('\n');
    }
    free(widths);
}

static void listing_print(struct listing *listing, bool is_directory) {
    if (listing->count && !unsorted)
        qsort(listing->entries, listing->count, sizeof(struct entry), entry_compare);
    if (long_layout) {
        long_print(listing, is_directory);
    } else if (one_per_line) {
        for (size_t i = 0; i < listing->count; i++) {
            short_print(&listing->entries[i]);
            putchar('\n');
        }
    } else if (listing->count) {
        columns_print(listing);
    }
}

static char *link_read(const char *path) {
    for (size_t size = 128;; size *= 2) {
        char *target = memory_allocate(size);
        ssize_t length = readlink(path, target, size);
        if (length >= 0 && (size_t)length < size) {
            target[length] = 0;
            return target;
        }
        free(target);
        if (length < 0)
            return NULL;
    }
}

// Adds a file; `path` is where it is, `name` how it is shown.
static void file_add(struct listing *listing, const char *path, const char *name) {
    struct stat info;
    if (lstat(path, &info) != 0) {
        program_errno(path);
        status = status > 1 ? status : 1;
        return;
    }
    entry_add(listing, name, &info, S_ISLNK(info.st_mode) && long_layout ? link_read(path) : NULL);
}

static void directory_list(const char *path, bool titled, bool *first) {
    struct directory_list names;
    struct listing listing = {0};
    if (!directory_read(path, &names)) {
        program_errno(path);
        status = status > 1 ? status : 1;
        return;
    }
    if (titled)
        printf("%s%s:\n", *first ? "" : "\n", path);
    *first = false;
    for (int i = 0; i < 2 && show_dots; i++) {
        char *child = path_join(path, i ? ".." : ".");
        file_add(&listing, child, i ? ".." : ".");
        free(child);
    }
    for (size_t i = 0; i < names.count; i++) {
        if (names.names[i][0] == '.' && !show_hidden)
            continue;
        char *child = path_join(path, names.names[i]);
        file_add(&listing, child, names.names[i]);
        free(child);
    }
    directory_free(&names);
    listing_print(&listing, true);
    for (size_t i = 0; recursive && i < listing.count; i++) {
        const struct entry *entry = &listing.entries[i];
        if (!S_ISDIR(entry->info.st_mode) || strcmp(entry->name, ".") == 0 || strcmp(entry->name, "..") == 0)
            continue;
        char *child = path_join(path, entry->name);
        directory_list(child, true, first);
        free(child);
    }
    listing_free(&listing);
}

static void options_take(void) {
    for (int option; (option = program_option("aAlR1hidtSrFU")) != -1;) {
        show_hidden |= option == 'a' || option == 'A';
        show_dots |= option == 'a';
        long_layout |= option == 'l';
        recursive |= option == 'R';
        one_per_line |= option == '1';
        human |= option == 'h';
        inodes |= option == 'i';
        directories_as_files |= option == 'd';
        by_time |= option == 't';
        by_size |= option == 'S';
        reverse |= option == 'r';
        classify |= option == 'F';
        unsorted |= option == 'U';
    }
}

int main(int argc, char **argv) {
    program_start(argc, argv, "[-aAlR1hidtSrFU] [FILE]...",
                  "  -a  names that begin with a dot as well    -A  the same without . and ..\n"
                  "  -l  all attributes                         -1  one name per line\n"
                  "  -R  everything below                       -d  directories themselves\n"
                  "  -h  sizes as 1.2K, 34M                     -i  inode numbers\n"
                  "  -t  newest first                           -S  largest first\n"
                  "  -r  the other way round                    -F  mark directories, programs, links\n"
                  "  -U  as they come\n");
    options_take();
    bool terminal = isatty(STDOUT_FILENO);
    colours = terminal;
    one_per_line |= !terminal;
    static char here[] = ".";
    char *default_operands[] = {here, NULL};
    char **operands = program_operand_count ? program_operands : default_operands;
    struct listing files = {0}, directories = {0};
    for (char **path = operands; *path; path++) {
        struct stat info;
        bool follow = !long_layout && !directories_as_files;
        if ((follow ? stat(*path, &info) : lstat(*path, &info)) != 0 && lstat(*path, &info) != 0) {
            program_errno(*path);
            status = 2;
            continue;
        }
        bool is_directory = S_ISDIR(info.st_mode) && !directories_as_files;
        if (is_directory)
            entry_add(&directories, *path, &info, NULL);
        else
            file_add(&files, *path, *path);
    }
    bool first = true;
    if (files.count) {
        listing_print(&files, false);
        first = false;
    }
    if (directories.count && !unsorted)
        qsort(directories.entries, directories.count, sizeof(struct entry), entry_compare);
    bool titled = program_operand_count > 1 || recursive;
    for (size_t i = 0; i < directories.count; i++)
        directory_list(directories.entries[i].name, titled, &first);
    listing_free(&files);
    listing_free(&directories);
    return program_end(status);
}
