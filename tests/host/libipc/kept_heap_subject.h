// See kept_heap_subject.c.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HEAP_SLOTS = 48 };

// What the subject holds: each byte of the block is `mark`.
struct heap_slot {
    unsigned char *bytes;
    size_t size;
    uint64_t mark;
};

struct heap_subject {
    struct heap_slot slots[HEAP_SLOTS];
} __attribute__((aligned(64)));

extern struct heap_subject heap_subject;

// One thing that a server might do with its heap; `choice` says which and to what. False: a block was not what it should be.
bool heap_subject_step(uint64_t choice);
// How many of some small blocks, allocated by turns with aligned ones, do not begin where a line of kept memory does.
unsigned heap_subject_apart(void);
// Whether all blocks are what they should be.
bool heap_subject_check(void);
