// du: adds up the space that files occupy on disk. A file with several names is counted once.
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "programs/common/files.h"
#include "programs/common/program.h"

static bool human = false, only_total = false, all_files = false;
static int status = 0;

// Files with more than one name that were counted already: a hash table of open addressing.
struct seen {
    dev_t device;
    ino_t inode;
    bool used;
};
static struct seen *table;
static size_t table_size = 0, table_count = 0;

static struct seen *seen_slot(dev_t device, ino_t inode) {
    size_t at = ((size_t)inode * 0x9e3779b97f4a7c15u + (size_t)device) % table_size;
    while (table[at].used && (table[at].device != device || table[at].inode != inode))
        at = (at + 1) % table_size;
    return &table[at];
}

static bool seen_before(const struct stat *info) {
    if (table_count * 2 >= table_size) {
        struct seen *old = table;
        size_t old_size = table_size;
        table_size = old_size ? old_size * 2 : 64;
        table = memory_allocate(table_size * sizeof(*table));
        for (size_t i = 0; i < table_size; i++)
            table[i].used = false;
        for (size_t i = 0; i < old_size; i++) {
            if (old[i].used)
                *seen_slot(old[i].device, old[i].inode) = old[i];
        }
        free(old);
    }
    struct seen *slot = seen_slot(info->st_dev, info->st_ino);
    if (slot->used)
        return true;
    *slot = (struct seen){info->st_dev, info->st_ino, true};
    table_count++;
    return false;
}

static void print(uint64_t blocks, const char *path) {
    char text[16];
    size_text(blocks * 512, text);
    if (human)
        printf("%s\t%s\n", text, path);
    else
        printf("%llu\t%s\n", (unsigned long long)(blocks + 1) / 2, path);
}

static uint64_t measure(const char *path, bool named) {
    struct stat info;
    if (lstat(path, &info) != 0) {
        program_errno(path);
        status = 1;
        return 0;
    }
    bool is_directory = S_ISDIR(info.st_mode);
    if ((info.st_nlink > 1 || is_directory) && seen_before(&info))
        return 0;
    uint64_t blocks = (uint64_t)info.st_blocks;
    if (is_directory) {
        struct directory_list list;
        if (!directory_read(path, &list)) {
            program_errno(path);
            status = 1;
        }
        for (size_t i = 0; i < list.count; i++) {
            char *child = path_join(path, list.names[i]);
            blocks += measure(child, false);
            free(child);
        }
        directory_free(&list);
    }
    if (named || (!only_total && (is_directory || all_files)))
        print(blocks, path);
    return blocks;
}

int main(int argc, char **argv) {
    program_start(argc, argv, "[-hsak] [FILE]...",
                  "  -h  sizes as 1.2K, 34M (else in KiB)\n"
                  "  -s  only the sum of each operand\n"
                  "  -a  files as well as directories\n");
    for (int option; (option = program_option("hsak")) != -1;) {
        human |= option == 'h';
        only_total |= option == 's';
        all_files |= option == 'a';
    }
    if (program_operand_count == 0)
        measure(".", true);
    for (char **path = program_operands; *path; path++)
        measure(*path, true);
    free(table);
    return program_end(status);
}
