// procfs: the files of /proc. Wiring only.
#include "libipc/client/slot.h"
#include "libipc/start/start.h"
#include "servers/procfs/state.h"

int server_main(const struct startup *startup);

struct procfs procfs;

static void show_mounts(cap_t picture) {
    slot_release(procfs.mounts);
    procfs.mounts = picture;
}

static struct file_server server = {.name = "procfs", .only_tree = &procfs_tree, .show_mounts = show_mounts};

int server_main(const struct startup *startup) {
    static const char *const drivers[] = {"block.ata", "block.ram"};
    if (file_server_prepare(&server, startup) != ERR_OK)
        return 1;
    procfs.task = startup_capability("task");
    procfs.service = startup_capability("service");
    procfs.log = startup_capability("log");
    procfs.device = startup_capability("device");
    procfs.ext2 = startup_capability("fs.ext2");
    for (unsigned i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++) {
        cap_t driver = startup_capability(drivers[i]);
        if (driver != 0)
            procfs.disks[procfs.disk_driver_count++] = driver;
    }
    return file_server_run(&server) == ERR_OK ? 0 : 1;
}
