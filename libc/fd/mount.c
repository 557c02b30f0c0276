// Mounting and unmounting.
#include <sys/mount.h>

#include "libc/internal/result.h"
#include "libc/internal/system.h"

int mount(const char *source, const char *target, const char *type, unsigned long flags, const void *data) {
    return result_of(system_mount(source, target, type, flags, data));
}

int umount2(const char *target, int flags) {
    return result_of(system_unmount(target, flags));
}

int umount(const char *target) {
    return umount2(target, 0);
}
