// How full a file system is (POSIX <sys/statvfs.h>).
#pragma once

#include <sys/types.h>

struct statvfs {
    unsigned long f_bsize;  // preferred block, in bytes
    unsigned long f_frsize; // the unit of the counts below, in bytes
    fsblkcnt_t f_blocks, f_bfree, f_bavail;
    fsfilcnt_t f_files, f_ffree, f_favail;
    unsigned long f_fsid;
    unsigned long f_flag;
    unsigned long f_namemax;
    char f_basetype[16]; // the file system's name: "ext2"
};

#define ST_RDONLY 1
#define ST_NOSUID 2

int statvfs(const char *restrict path, struct statvfs *restrict status);
int fstatvfs(int fd, struct statvfs *status);
