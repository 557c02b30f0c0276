// Between what file servers say of a file and POSIX's structures.
#pragma once

#include <sys/stat.h>
#include <sys/statvfs.h>

#include "libipc/protocols/directory.h"
#include "libipc/protocols/file.h"

void status_to_stat(const struct file_status *from, struct stat *to);
void status_to_statvfs(const struct filesystem_status *from, struct statvfs *to);
// enum file_kind of the type bits of a mode, and back.
uint64_t status_kind_of_mode(mode_t mode);
mode_t status_mode_of_kind(uint8_t kind);
