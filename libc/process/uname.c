// The machine and its limits: uname, gethostname, sysconf, pathconf, reboot.
#include <limits.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "libc/internal/result.h"
#include "libc/internal/system.h"

int uname(struct utsname *name) {
    return result_of(system_name(name));
}

int gethostname(char *name, size_t size) {
    struct utsname names;
    if (uname(&names) != 0)
        return -1;
    if (strlcpy(name, names.nodename, size) < size)
        return 0;
    return result_of(ERR_NAME_TOO_LONG);
}

int getpagesize(void) {
    return 4096;
}

static long machine_value(int name) {
    struct machine_size size;
    if (result_of(system_machine_size(&size)) != 0)
        return -1;
    if (name == _SC_PHYS_PAGES)
        return (long)size.pages;
    return name == _SC_AVPHYS_PAGES ? (long)size.free_pages : (long)size.processors;
}

long sysconf(int name) {
    switch (name) {
    case _SC_ARG_MAX:
        return ARG_MAX;
    case _SC_CHILD_MAX:
        return CHILD_MAX;
    case _SC_CLK_TCK:
        return 100;
    case _SC_OPEN_MAX:
        return OPEN_MAX;
    case _SC_PAGESIZE:
        return getpagesize();
    case _SC_HOST_NAME_MAX:
        return HOST_NAME_MAX;
    case _SC_NPROCESSORS_CONF:
    case _SC_NPROCESSORS_ONLN:
    case _SC_PHYS_PAGES:
    case _SC_AVPHYS_PAGES:
        return machine_value(name);
    default:
        return result_of(ERR_INVALID);
    }
}

long fpathconf(int fd, int name) {
    (void)fd;
    switch (name) {
    case _PC_NAME_MAX:
        return NAME_MAX;
    case _PC_PATH_MAX:
        return PATH_MAX;
    case _PC_PIPE_BUF:
        return PIPE_BUF;
    default:
        return result_of(ERR_INVALID);
    }
}

long pathconf(const char *path, int name) {
    (void)path;
    return fpathconf(-1, name);
}

int reboot(unsigned how) {
    return result_of(system_reboot(how));
}
