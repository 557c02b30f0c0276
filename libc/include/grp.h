// Groups, as /etc/group lists them (POSIX <grp.h>). Results live until the next call.
#pragma once

#include <sys/types.h>

struct group {
    char *gr_name;
    char *gr_passwd;
    gid_t gr_gid;
    char **gr_mem; // ends with a null pointer
};

struct group *getgrnam(const char *name);
struct group *getgrgid(gid_t gid);
