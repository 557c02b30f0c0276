// What the ext2 tests share: images made by mke2fs, judgement by e2fsck, and the entry points of the suites
// that main.c offers.
#pragma once

#include "tests/host/ext2/host_platform.h"

struct test_run { // how much to do
    uint64_t first_seed;
    uint32_t seeds;
    const char *directory; // for image files
};

int test_random(const struct test_run *run);
int test_corruption(const struct test_run *run);
int test_crash(const struct test_run *run);
int test_faults(const struct test_run *run);
int test_bench(const struct test_run *run);
int test_special(const struct test_run *run);
int tool_damage(const struct test_run *run);
int tool_dump(const char *image, uint64_t cache_bytes);

// A fresh ext2 image in the disk. options: further arguments of mke2fs.
void image_make(struct platform_disk *disk, const char *directory, const char *options, uint64_t bytes);
// The exit status of e2fsck with these options, on the image; its output goes to DIRECTORY/e2fsck.log.
// repaired (may be NULL) gets the image as e2fsck leaves it.
int image_check(const struct platform_disk *disk, const char *directory, const char *options, struct platform_disk *repaired);
void image_check_clean(const struct platform_disk *disk, const char *directory); // e2fsck -fn must exit 0
uint32_t checksum(uint32_t sum, const void *bytes, size_t length);               // CRC-32
