// tmpfs: files in memory, for /tmp. Wiring only; all is in the framework and in node.c.
#include "servers/tmpfs/attach.h"

int server_main(const struct startup *startup);

static struct file_server tmpfs = {
    .name = "tmpfs",
    .attach = tmpfs_attach,
    .detach = tmpfs_detach,
    .give_trees = tmpfs_give,
    .take_trees = tmpfs_take,
    .taken = tmpfs_taken,
};

int server_main(const struct startup *startup) {
    if (file_server_prepare(&tmpfs, startup) != ERR_OK)
        return 1;
    return file_server_run(&tmpfs) == ERR_OK ? 0 : 1;
}
