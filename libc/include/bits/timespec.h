// struct timespec, which <time.h>, <sys/stat.h> and <sys/select.h> share.
#pragma once

struct timespec {
    long tv_sec;
    long tv_nsec; // 0 to 999,999,999
};
