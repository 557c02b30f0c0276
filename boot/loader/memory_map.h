// A list of physical ranges, painted one over the other: sorted, disjoint, page-aligned, neighbours of one
// kind merged. What is not listed does not exist. Made by the boot code from the loader's map, which may
// overlap and have holes.
#pragma once

#include <stdint.h>

#include "kernel/abi/boot_info.h"

// Lays [start, end) of this kind over what was there before; kind 0 takes the range out. Bytes: FREE is
// rounded to pages inwards, all else outwards. If the list is full, reserved entries, then the smallest free
// ones, are given up: memory may be lost, but never gained. Returns the bytes of free memory that were given
// up.
uint64_t memory_map_paint(struct boot_info *info, uint64_t start, uint64_t end, uint32_t kind);
