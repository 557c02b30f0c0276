// A capture file: blocks of the pcapng format ("PCAP Next Generation Capture File Format",
// draft-ietf-opsawg-pcapng), appended to a buffer. Pure.
#pragma once

#include <stdint.h>

#include "programs/common/buffer.h"

// The section's head, and an interface whose frames begin with an Ethernet header; times are in nanoseconds.
// `limit`: bytes of a frame that are kept at most, 0: all.
void pcapng_begin(struct buffer *file, const char *program, const char *interface, uint32_t limit);

// A frame of `whole` bytes, of which `length` are kept. `time`: nanoseconds since 1970. `outgoing`: sent by
// this machine.
void pcapng_frame(struct buffer *file, uint64_t time, const void *frame, uint32_t length, uint32_t whole, int outgoing);
