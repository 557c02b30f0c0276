// Who a process is: ids, groups, sessions, users.
#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#include "libc/internal/result.h"
#include "libc/internal/system.h"

// The caller's own identity can always be had; a failure below leaves the ids of nobody.
static struct process_identity own_identity(void) {
    struct process_identity identity = {
        .uid = (uid_t)-1, .effective_uid = (uid_t)-1, .gid = (gid_t)-1, .effective_gid = (gid_t)-1};
    result_of(system_identity(0, &identity));
    return identity;
}

pid_t getpid(void) {
    return own_identity().pid;
}

pid_t getppid(void) {
    return own_identity().parent;
}

pid_t getpgrp(void) {
    return own_identity().group;
}

uid_t getuid(void) {
    return own_identity().uid;
}

uid_t geteuid(void) {
    return own_identity().effective_uid;
}

gid_t getgid(void) {
    return own_identity().gid;
}

gid_t getegid(void) {
    return own_identity().effective_gid;
}

pid_t getpgid(pid_t pid) {
    struct process_identity identity;
    return result_of(system_identity(pid, &identity)) == 0 ? identity.group : -1;
}

pid_t getsid(pid_t pid) {
    struct process_identity identity;
    return result_of(system_identity(pid, &identity)) == 0 ? identity.session : -1;
}

int setpgid(pid_t pid, pid_t group) {
    return result_of(system_group_set(pid, group));
}

pid_t setsid(void) {
    pid_t session = -1;
    error_t error = system_session_create(&session);
    return (pid_t)result_with(error, session);
}

// There are no supplementary groups.
int getgroups(int size, gid_t list[]) {
    (void)size;
    (void)list;
    return 0;
}

char *getlogin(void) {
    char *name = getenv("LOGNAME");
    if (name != NULL)
        return name;
    const struct passwd *user = getpwuid(getuid());
    return user != NULL ? user->pw_name : NULL;
}
