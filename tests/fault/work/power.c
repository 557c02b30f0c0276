// The workload of the power cuts (tests/fault/power.py), on a disk of its own: files are made, extended,
// overwritten, renamed, cut short and removed in a seeded order. What is promised to be on the disk is told
// by marks that are written to the disk itself, behind the file system, one sector each: "S NAME SEED SIZE"
// when an fsync of a file has returned, and "C NAME" before something is done to it that ends the promise.
// SEED and SIZE say what its bytes are.
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/fault/work/work.h"

enum { FILES = 12, SIZE_MAX_BYTES = 40000, SECTOR = 512, PART = 3000, NAME_BYTES = 24 };

static struct {
    char name[NAME_BYTES]; // empty: there is none
    uint32_t seed, size;
} files[FILES];
static uint32_t state;
static int disk;
static off_t mark_at;

static uint32_t pick(uint32_t limit) {
    state = state * 1664525u + 1013904223u;
    return (state >> 10) % limit;
}

static void must(bool good, const char *what) {
    if (good)
        return;
    perror(what);
    exit(1);
}

static void mark(const char *text) {
    char sector[SECTOR] = "";
    snprintf(sector, sizeof(sector), "%s\n", text);
    must(pwrite(disk, sector, SECTOR, mark_at) == SECTOR, "mark");
    mark_at += SECTOR;
}

static void promise_begin(int i) {
    char text[64];
    snprintf(text, sizeof(text), "S %s %u %u", files[i].name, (unsigned)files[i].seed, (unsigned)files[i].size);
    mark(text);
}

static void promise_end(int i) {
    char text[64];
    snprintf(text, sizeof(text), "C %s", files[i].name);
    mark(text);
}

// Writes bytes `from` to `to` of what the seed says.
static void put(int file, uint32_t seed, uint32_t from, uint32_t to) {
    static uint8_t bytes[SIZE_MAX_BYTES];
    for (uint32_t at = 0; at < to; at++) {
        seed = seed * 1664525u + 1013904223u;
        bytes[at] = (uint8_t)(seed >> 24);
    }
    for (uint32_t at = from; at < to;) {
        uint32_t part = to - at < PART ? to - at : PART;
        must(pwrite(file, bytes + at, part, at) == (ssize_t)part, "write");
        at += part;
    }
}

static void write_file(int i, int flags, uint32_t from) {
    int file = open(files[i].name, O_WRONLY | flags, 0644);
    must(file >= 0, files[i].name);
    put(file, files[i].seed, from, files[i].size);
    must(fsync(file) == 0, "fsync");
    close(file);
    promise_begin(i);
}

static void make(int i, unsigned round) {
    char folder[NAME_BYTES];
    snprintf(folder, sizeof(folder), "d%u", pick(3));
    (void)!mkdir(folder, 0755);
    snprintf(files[i].name, sizeof(files[i].name), "%.4s/f%u", folder, round);
    files[i].seed = pick(1u << 22);
    files[i].size = pick(4) == 0 ? pick(SIZE_MAX_BYTES / 2) : pick(3000);
    write_file(i, O_CREAT | O_EXCL, 0);
}

static void rename_file(int i, unsigned round) {
    char name[NAME_BYTES];
    snprintf(name, sizeof(name), "r%u", round);
    promise_end(i);
    must(rename(files[i].name, name) == 0, "rename");
    memcpy(files[i].name, name, sizeof(name));
    int file = open(name, O_WRONLY);
    must(file >= 0 && fsync(file) == 0, "fsync");
    close(file);
    promise_begin(i);
}

static void change(int i, unsigned round) {
    uint32_t was = files[i].size;
    switch (pick(5)) {
    case 0: // longer: what was promised stays
        files[i].size += pick(SIZE_MAX_BYTES - was);
        promise_end(i);
        write_file(i, 0, was);
        break;
    case 1: // other bytes
        promise_end(i);
        files[i].seed = pick(1u << 22);
        write_file(i, 0, 0);
        break;
    case 2:
        rename_file(i, round);
        break;
    case 3: // shorter
        promise_end(i);
        files[i].size = pick(was + 1);
        must(truncate(files[i].name, files[i].size) == 0, "truncate");
        write_file(i, 0, files[i].size);
        break;
    default:
        promise_end(i);
        must(unlink(files[i].name) == 0, "unlink");
        files[i].name[0] = '\0';
        break;
    }
}

int work_power(const char *device, const char *folder, off_t marks, unsigned seed, unsigned rounds) {
    state = seed;
    mark_at = marks;
    disk = open(device, O_WRONLY);
    must(disk >= 0, device);
    must(chdir(folder) == 0, folder);
    for (unsigned round = 0; round < rounds; round++) {
        int i = (int)pick(FILES);
        if (files[i].name[0] == '\0')
            make(i, round);
        else
            change(i, round);
        if (pick(4) == 0) { // something that nobody promises anything of
            int file = open("loose", O_WRONLY | O_CREAT | O_APPEND, 0644);
            put(file, round, 0, pick(2000));
            close(file);
        }
        if (pick(16) == 0)
            (void)!unlink("loose");
        if (pick(32) == 0)
            sync();
    }
    printf("%u rounds\n", rounds);
    return 0;
}
