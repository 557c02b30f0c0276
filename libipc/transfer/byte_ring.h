// A lossy ring of variable-size records for feeding the log: the producer never waits, a record that finds no
// room is counted and dropped. Records are multiples of 8 bytes, and begin with their size. Same trust as in
// ring.h.
//
// It is a struct ring with entries of 8 bytes; a record is one entry with its size, then its bytes.
#pragma once

#include "libipc/transfer/ring.h"

enum { BYTE_RING_UNIT = 8, BYTE_RING_RECORD_MAX = 2048 };

// Copies a record of `length` bytes in, in one piece, and shows it to the consumer. False: no room, it was
// dropped. `wanted`: the consumer wants a signal.
bool byte_ring_write(struct ring *ring, const void *record, uint32_t length, bool *wanted);

// Copies the next record out. ERR_AGAIN: empty; ERR_CORRUPT: the producer lied about a length; ERR_TOO_BIG:
// `size` bytes are too few (the record is skipped). Room goes back to the producer with ring_release.
MUST_USE error_t byte_ring_read(struct ring *ring, void *record, uint32_t size, uint32_t *length);
