// The heap below malloc: blocks inside arenas, and big blocks that are mappings of their own. Sizes are in
// bytes and count the payload only; every payload is aligned to 16.
//
// Each block has a 16-byte header with a seal made of its fields, its address and a secret. A header that was
// overwritten, a pointer that was never allocated and a block that was freed before are found when the block
// or its neighbour is next touched, and end the process with a message.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HEAP_ALIGNMENT = 16 };

// Null if the system has no memory left. Alignment is a power of two.
void *heap_allocate(size_t size, size_t alignment);
// The same, with all bytes zero.
void *heap_allocate_zeroed(size_t size);
void heap_release(void *payload);
// Takes the heap's first arena and touches each of its pages, so that what a small server allocates later
// takes nothing more from the system. Nothing happens without memory.
void heap_fill(void);
// Makes the block `size` bytes long where it lies; false if that can't be done, and then nothing changed.
bool heap_resize(void *payload, size_t size);
size_t heap_usable_size(void *payload);

// In servers whose memory is kept (libipc/kept/undo.h); null in programs.
__attribute__((weak)) void kept_fresh(void *address, uint64_t bytes);
__attribute__((weak)) uint64_t kept_commits(void);
__attribute__((weak)) void *kept_set_unnoted(void *to, int byte, uint64_t bytes);
