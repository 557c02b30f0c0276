// Mounting and the machine's power: only for processes that were handed the capabilities `mount` and `service`.
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>

#include "libc/internal/system.h"
#include "libc/system/layer.h"
#include "libipc/protocols/kernel.h"
#include "libipc/protocols/service.h"
#include "libipc/protocols/vfs.h"
#include "libipc/start/start.h"

static void append(char *what, size_t *length, const char *word) {
    size_t bytes = strlen(word) + 1;
    memcpy(what + *length, word, bytes);
    *length += bytes;
}

error_t system_mount(const char *source, const char *target, const char *type, unsigned long flags, const void *data) {
    cap_t session = startup_capability("mount");
    const char *options = data ? data : "";
    if (!session)
        return ERR_NOT_PERMITTED;
    if (!source)
        source = "none";
    if (!target || !type)
        return ERR_INVALID;
    char *what = malloc(strlen(source) + strlen(target) + strlen(type) + strlen(options) + 4);
    size_t length = 0;
    if (!what)
        return ERR_NO_MEMORY;
    append(what, &length, type);
    append(what, &length, source);
    append(what, &length, target);
    append(what, &length, options);
    error_t error = vfs_mount(session, flags & MS_RDONLY ? MOUNT_FLAG_READ_ONLY : 0, what, length - 1);
    free(what);
    return error;
}

error_t system_unmount(const char *target, int flags) {
    cap_t session = startup_capability("mount");
    (void)flags;
    return session ? vfs_unmount(session, 0, target, strlen(target)) : ERR_NOT_PERMITTED;
}

error_t system_reboot(unsigned how) {
    cap_t session = startup_capability("service");
    if (!session)
        return ERR_NOT_PERMITTED;
    if (how == (unsigned)RB_AUTOBOOT)
        return service_power(session, POWER_ACTION_RESTART);
    if (how == (unsigned)RB_POWER_OFF || how == (unsigned)RB_HALT_SYSTEM)
        return service_power(session, POWER_ACTION_OFF);
    return ERR_INVALID;
}
