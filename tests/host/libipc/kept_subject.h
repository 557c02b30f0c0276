// See kept_subject.c. All that it stores lies in `subject`, which is in the window.
#pragma once

#include <stdint.h>

#include "libipc/kept/undo.h"

enum { SUBJECT_NODES = 6, SUBJECT_BYTES = 200, SUBJECT_LARGE = 1200 };

struct node {
    struct node *next;
    uint32_t used, value;
};

struct subject {
    uint8_t byte;
    uint16_t half;
    uint32_t word, count;
    uint64_t number;
    struct node *list;
    struct node nodes[SUBJECT_NODES];
    struct {
        uint64_t words[5];
    } copies[4];
    uint8_t bytes[SUBJECT_BYTES];
    uint8_t large[SUBJECT_LARGE];
} __attribute__((aligned(KEPT_HOT_ALIGNMENT))); // shares no line with the test's own

extern struct subject subject;

// One thing that a server might do; `choice` says which and to what.
void subject_step(uint32_t choice);
