// CRC-32C (Castagnoli, RFC 3720 appendix B.4), as it guards records in state memory.
#pragma once

#include <stdint.h>

// Goes on from `crc`; 0 to begin with.
uint32_t crc32c(uint32_t crc, const void *data, uint64_t length);
