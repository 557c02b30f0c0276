// Starting a program (POSIX <spawn.h>): the way that Keelson makes processes. The file actions run in order
// in the new process before the program starts.
#pragma once

#include <sys/types.h>
#include <signal.h>

enum __spawn_action_kind {
    SPAWN_ACTION_OPEN = 1,
    SPAWN_ACTION_CLOSE,
    SPAWN_ACTION_DUP2,
    SPAWN_ACTION_CHDIR,
    SPAWN_ACTION_FCHDIR
};

struct __spawn_action {
    enum __spawn_action_kind kind;
    int fd;     // the descriptor that is opened, closed or copied
    int new_fd; // dup2: the copy
    int flags;  // open
    mode_t mode;
    char *path; // open and chdir: owned by the list
};

typedef struct {
    struct __spawn_action *actions;
    int count, capacity;
} posix_spawn_file_actions_t;

typedef struct {
    short flags; // POSIX_SPAWN_...
    pid_t group; // 0: a new group, named after the new process
    sigset_t mask, defaults;
} posix_spawnattr_t;

#define POSIX_SPAWN_RESETIDS   1
#define POSIX_SPAWN_SETPGROUP  2
#define POSIX_SPAWN_SETSIGDEF  4
#define POSIX_SPAWN_SETSIGMASK 8
#define POSIX_SPAWN_SETSID     128

// These return 0 or an errno value; errno itself is untouched.
int posix_spawn(pid_t *restrict pid, const char *restrict path, const posix_spawn_file_actions_t *actions,
                const posix_spawnattr_t *restrict attributes, char *const argv[restrict], char *const envp[restrict]);
int posix_spawnp(pid_t *restrict pid, const char *restrict file, const posix_spawn_file_actions_t *actions,
                 const posix_spawnattr_t *restrict attributes, char *const argv[restrict], char *const envp[restrict]);

int posix_spawn_file_actions_init(posix_spawn_file_actions_t *actions);
int posix_spawn_file_actions_destroy(posix_spawn_file_actions_t *actions);
int posix_spawn_file_actions_addopen(posix_spawn_file_actions_t *restrict actions, int fd, const char *restrict path, int flags,
                                     mode_t mode);
int posix_spawn_file_actions_addclose(posix_spawn_file_actions_t *actions, int fd);
int posix_spawn_file_actions_adddup2(posix_spawn_file_actions_t *actions, int fd, int new_fd);
int posix_spawn_file_actions_addchdir_np(posix_spawn_file_actions_t *restrict actions, const char *restrict path);
int posix_spawn_file_actions_addfchdir_np(posix_spawn_file_actions_t *actions, int fd);

int posix_spawnattr_init(posix_spawnattr_t *attributes);
int posix_spawnattr_destroy(posix_spawnattr_t *attributes);
int posix_spawnattr_setflags(posix_spawnattr_t *attributes, short flags);
int posix_spawnattr_getflags(const posix_spawnattr_t *restrict attributes, short *restrict flags);
int posix_spawnattr_setpgroup(posix_spawnattr_t *attributes, pid_t group);
int posix_spawnattr_getpgroup(const posix_spawnattr_t *restrict attributes, pid_t *restrict group);
int posix_spawnattr_setsigmask(posix_spawnattr_t *restrict attributes, const sigset_t *restrict mask);
int posix_spawnattr_setsigdefault(posix_spawnattr_t *restrict attributes, const sigset_t *restrict signals);
