// Device control. libc turns these requests into calls of the terminal and block protocols; there is no
// pass-through, so an unknown request is ENOTTY.
#pragma once

struct winsize {
    unsigned short ws_row, ws_col, ws_xpixel, ws_ypixel;
};

#define TIOCSCTTY    0x540e
#define TIOCGPGRP    0x540f
#define TIOCSPGRP    0x5410
#define TIOCGWINSZ   0x5413
#define TIOCSWINSZ   0x5414
#define FIONREAD     0x541b     // int *: bytes that can be read now
#define BLKGETSIZE64 0x80081272 // uint64_t *: bytes of a block device

int ioctl(int fd, unsigned long request, ...);
