// Conversions between file servers' structures and POSIX's; see status.h.
#include "libc/system/status.h"

#include <string.h>
#include <sys/sysmacros.h>

static const struct {
    uint8_t kind;
    mode_t mode;
} kinds[] = {{FILE_KIND_REGULAR, S_IFREG},   {FILE_KIND_DIRECTORY, S_IFDIR}, {FILE_KIND_SYMLINK, S_IFLNK},
             {FILE_KIND_CHARACTER, S_IFCHR}, {FILE_KIND_BLOCK, S_IFBLK},     {FILE_KIND_PIPE, S_IFIFO},
             {FILE_KIND_SOCKET, S_IFSOCK}};

mode_t status_mode_of_kind(uint8_t kind) {
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (kinds[i].kind == kind)
            return kinds[i].mode;
    return 0;
}

uint64_t status_kind_of_mode(mode_t mode) {
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (kinds[i].mode == (mode & S_IFMT))
            return kinds[i].kind;
    return FILE_KIND_REGULAR;
}

static struct timespec to_timespec(int64_t nanoseconds) {
    const int64_t second = 1000000000;
    struct timespec time = {nanoseconds / second, nanoseconds % second};
    if (time.tv_nsec < 0) {
        time.tv_nsec += second;
        time.tv_sec--;
    }
    return time;
}

void status_to_stat(const struct file_status *from, struct stat *to) {
    *to = (struct stat){
        .st_dev = from->device,
        .st_ino = from->inode,
        .st_nlink = from->links,
        .st_mode = from->mode | status_mode_of_kind(from->kind),
        .st_uid = from->user,
        .st_gid = from->group,
        .st_rdev = makedev(from->represents >> 32, (uint32_t)from->represents),
        .st_size = (off_t)from->size,
        .st_blksize = from->block_size,
        .st_blocks = (blkcnt_t)from->blocks,
        .st_atim = to_timespec(from->accessed),
        .st_mtim = to_timespec(from->modified),
        .st_ctim = to_timespec(from->changed),
    };
}

void status_to_statvfs(const struct filesystem_status *from, struct statvfs *to) {
    *to = (struct statvfs){
        .f_bsize = from->block_size,
        .f_frsize = from->block_size,
        .f_blocks = from->blocks,
        .f_bfree = from->free_blocks,
        .f_bavail = from->available_blocks,
        .f_files = from->files,
        .f_ffree = from->free_files,
        .f_favail = from->free_files,
        .f_fsid = from->device,
        .f_flag = from->flags & 1 ? ST_RDONLY : 0,
        .f_namemax = from->name_max,
    };
    memcpy(to->f_basetype, from->type, sizeof(to->f_basetype) - 1);
}
