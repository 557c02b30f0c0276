// Directory streams (POSIX <dirent.h>). struct dirent is also the record that the system layer fills a buffer
// with, so reading a directory copies nothing: d_reclen leads to the next record.
#pragma once

#include <sys/types.h>

enum { DT_UNKNOWN = 0, DT_FIFO = 1, DT_CHR = 2, DT_DIR = 4, DT_BLK = 6, DT_REG = 8, DT_LNK = 10, DT_SOCK = 12 };
#define DT_UNKNOWN DT_UNKNOWN
#define DT_FIFO    DT_FIFO
#define DT_CHR     DT_CHR
#define DT_DIR     DT_DIR
#define DT_BLK     DT_BLK
#define DT_REG     DT_REG
#define DT_LNK     DT_LNK
#define DT_SOCK    DT_SOCK

struct dirent {
    ino_t d_ino;
    off_t d_off;             // where the next record starts, for seekdir; opaque
    unsigned short d_reclen; // bytes of this record, a multiple of 8
    unsigned char d_type;    // DT_..., DT_UNKNOWN if the file system does not say
    char d_name[256];        // NUL-terminated; a record in a buffer ends soon after the NUL
};

typedef struct __directory DIR;

DIR *opendir(const char *path);
DIR *fdopendir(int fd);
int closedir(DIR *directory);
struct dirent *readdir(DIR *directory);
void rewinddir(DIR *directory);
void seekdir(DIR *directory, long position);
long telldir(DIR *directory);
int dirfd(DIR *directory);
int scandir(const char *path, struct dirent ***list, int (*filter)(const struct dirent *),
            int (*compare)(const struct dirent **, const struct dirent **));
int alphasort(const struct dirent **a, const struct dirent **b);
