// ext2: file systems on disks. Wiring only: the core is in this folder's other files, sessions and protocols
// are the framework's.
#include "servers/ext2/volume.h"

int server_main(const struct startup *startup);

struct file_server ext2_server = {
    .name = "ext2",
    .attach = ext2_attach,
    .detach = ext2_detach,
    .cache = ext2_cache,
    .give_trees = ext2_give,
    .take_trees = ext2_take,
    .give_loan = ext2_give_loan,
    .taken = ext2_taken,
};

int server_main(const struct startup *startup) {
    ext2_server.server.stack_bytes = 32 * 1024;
    ext2_server.server.resumed = disks_resumed;
    if (file_server_prepare(&ext2_server, startup) != ERR_OK)
        return 1;
    return file_server_run(&ext2_server) == ERR_OK ? 0 : 1;
}
