// devfs: the files of /dev. Wiring only.
#include "servers/devfs/state.h"

int server_main(const struct startup *startup);

static struct file_server server = {.name = "devfs", .only_tree = &devfs_tree};

int server_main(const struct startup *startup) {
    if (file_server_prepare(&server, startup) != ERR_OK)
        return 1;
    devices_make();
    return file_server_run(&server) == ERR_OK ? 0 : 1;
}
