// What a server does between two waits, in small: stores of every width, structures copied and cleared, a
// list changed at several places, blocks moved over one another. Compiled as servers are (kept_args), or,
// with NOTED_BY_HAND, with notes of its own. kept_test.c stops it at every store and, where the compiler
// notes, at every instruction.
#include "tests/host/libipc/kept_subject.h"

#include <string.h>

#include "libipc/kept/undo.h"

#ifdef NOTED_BY_HAND
#define NOTE(place)              kept_note(&(place), sizeof(place))
#define NOTE_BYTES(place, bytes) kept_note(place, bytes)
#else
#define NOTE(place)
#define NOTE_BYTES(place, bytes)
#endif
#define SET(place, value)                                                                                                        \
    do {                                                                                                                         \
        NOTE(place);                                                                                                             \
        (place) = (value);                                                                                                       \
    } while (0)

struct subject subject;

static void node_insert(struct node *node) {
    SET(node->next, subject.list);
    SET(subject.list, node);
    SET(subject.count, subject.count + 1);
}

static void node_remove_first(void) {
    if (subject.list == NULL)
        return;
    struct node *node = subject.list;
    SET(subject.list, node->next);
    NOTE(*node);
    memset(node, 0, sizeof(*node));
    SET(subject.count, subject.count - 1);
}

static void widths(uint32_t value) {
    SET(subject.byte, (uint8_t)value);
    SET(subject.half, (uint16_t)(value >> 3));
    SET(subject.word, value * 7);
    SET(subject.number, (uint64_t)value << 20 ^ subject.number);
    uint8_t *odd = &subject.bytes[value % (SUBJECT_BYTES - 8)];
    NOTE_BYTES(odd, 8);
    memcpy(odd, &subject.number, 8); // not aligned
}

void subject_step(uint32_t choice) {
    uint32_t value = choice / 8;
    struct node *node = &subject.nodes[value % SUBJECT_NODES];
    switch (choice % 8) {
    case 0:
        widths(value);
        break;
    case 1:
        if (node->used == 0) {
            SET(node->used, 1);
            SET(node->value, value);
            node_insert(node);
        }
        break;
    case 2:
        node_remove_first();
        break;
    case 3: {
        uint32_t length = value % (SUBJECT_BYTES / 2);
        NOTE_BYTES(subject.bytes, length);
        memmove(subject.bytes, subject.bytes + length / 2, length);
        break;
    }
    case 4:
        NOTE(subject.copies[value % 4]);
        subject.copies[value % 4] = subject.copies[(value + 1) % 4];
        break;
    case 5:
        NOTE(subject.large);
        memset(subject.large, (int)value, sizeof(subject.large)); // again and again: noted once
        break;
    case 6:
        SET(subject.word, subject.word + 1);
        SET(subject.word, subject.word ^ value); // the same place twice
        break;
    default:
        SET(subject.copies[value % 4].words[value % 5], value);
        SET(subject.byte, (uint8_t)(subject.byte + 1));
        break;
    }
}
