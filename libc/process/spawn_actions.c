// What posix_spawn does before the program starts: the list of file actions, and the attributes.
#include <errno.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>

int posix_spawn_file_actions_init(posix_spawn_file_actions_t *actions) {
    *actions = (posix_spawn_file_actions_t){0};
    return 0;
}

int posix_spawn_file_actions_destroy(posix_spawn_file_actions_t *actions) {
    for (int i = 0; i < actions->count; i++)
        free(actions->actions[i].path);
    free(actions->actions);
    *actions = (posix_spawn_file_actions_t){0};
    return 0;
}

static int action_add(posix_spawn_file_actions_t *actions, struct __spawn_action action, const char *path) {
    if (action.fd < 0 || action.new_fd < 0)
        return EBADF;
    if (actions->count == actions->capacity) {
        int capacity = actions->capacity * 2 + 4;
        struct __spawn_action *larger = reallocarray(actions->actions, (size_t)capacity, sizeof *larger);
        if (larger == NULL)
            return ENOMEM;
        actions->actions = larger;
        actions->capacity = capacity;
    }
    if (path != NULL && (action.path = strdup(path)) == NULL)
        return ENOMEM;
    actions->actions[actions->count++] = action;
    return 0;
}

int posix_spawn_file_actions_addopen(posix_spawn_file_actions_t *restrict actions, int fd, const char *restrict path, int flags,
                                     mode_t mode) {
    return action_add(actions, (struct __spawn_action){.kind = SPAWN_ACTION_OPEN, .fd = fd, .flags = flags, .mode = mode}, path);
}

int posix_spawn_file_actions_addclose(posix_spawn_file_actions_t *actions, int fd) {
    return action_add(actions, (struct __spawn_action){.kind = SPAWN_ACTION_CLOSE, .fd = fd}, NULL);
}

int posix_spawn_file_actions_adddup2(posix_spawn_file_actions_t *actions, int fd, int new_fd) {
    return action_add(actions, (struct __spawn_action){.kind = SPAWN_ACTION_DUP2, .fd = fd, .new_fd = new_fd}, NULL);
}

int posix_spawn_file_actions_addchdir_np(posix_spawn_file_actions_t *restrict actions, const char *restrict path) {
    return action_add(actions, (struct __spawn_action){.kind = SPAWN_ACTION_CHDIR}, path);
}

int posix_spawn_file_actions_addfchdir_np(posix_spawn_file_actions_t *actions, int fd) {
    return action_add(actions, (struct __spawn_action){.kind = SPAWN_ACTION_FCHDIR, .fd = fd}, NULL);
}

int posix_spawnattr_init(posix_spawnattr_t *attributes) {
    *attributes = (posix_spawnattr_t){0};
    return 0;
}

int posix_spawnattr_destroy(posix_spawnattr_t *attributes) {
    (void)attributes;
    return 0;
}

int posix_spawnattr_setflags(posix_spawnattr_t *attributes, short flags) {
    attributes->flags = flags;
    return 0;
}

int posix_spawnattr_getflags(const posix_spawnattr_t *restrict attributes, short *restrict flags) {
    *flags = attributes->flags;
    return 0;
}

int posix_spawnattr_setpgroup(posix_spawnattr_t *attributes, pid_t group) {
    attributes->group = group;
    return 0;
}

int posix_spawnattr_getpgroup(const posix_spawnattr_t *restrict attributes, pid_t *restrict group) {
    *group = attributes->group;
    return 0;
}

int posix_spawnattr_setsigmask(posix_spawnattr_t *restrict attributes, const sigset_t *restrict mask) {
    attributes->mask = *mask;
    return 0;
}

int posix_spawnattr_setsigdefault(posix_spawnattr_t *restrict attributes, const sigset_t *restrict signals) {
    attributes->defaults = *signals;
    return 0;
}
