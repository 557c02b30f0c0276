// The two halves of a device number.
#pragma once

#define major(device) ((unsigned)(((device) >> 8) & 0xfff) | (unsigned)(((device) >> 32) & ~0xfffu))
#define minor(device) ((unsigned)((device)&0xff) | (unsigned)(((device) >> 12) & ~0xffu))
#define makedev(high, low)                                                                                                       \
    (((dev_t)((high)&0xfff) << 8) | ((dev_t)((high) & ~0xfffu) << 32) | ((dev_t)((low)&0xff)) | ((dev_t)((low) & ~0xffu) << 12))
