// The superblock and the group descriptors: reading with every check, and writing back counts and state.
#pragma once

#include "servers/ext2/state.h"

// Fills in fs from the superblock's bytes. ERR_INVALID: not ext2; ERR_NOT_SUPPORTED; ERR_CORRUPT. Each with a
// message.
MUST_USE error_t superblock_decode(struct filesystem *fs, const struct ext2_superblock *super);
MUST_USE error_t superblock_read_groups(struct filesystem *fs); // WAITS
bool superblock_group_has_copy(const struct filesystem *fs, uint32_t group);
// WAITS. Puts counts and state into the cached superblock and descriptor blocks, which become dirty
// (BUFFER_SUMMARY). With a small cache summary_dirty may stay set: write, and call again.
MUST_USE error_t superblock_encode_summary(struct filesystem *fs);
// WAITS. Writes the superblock at once: mounted (state not clean, counted), or cleanly unmounted.
MUST_USE error_t superblock_write_state(struct filesystem *fs, bool mounted);
// WAITS. An empty block of lost+found, or 0.
uint32_t superblock_find_park(struct filesystem *fs);
