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

// The picture of the mounts is the only thing that was handed to it.
enum { CLASS_MOUNTS = 16, VERSION = 1 };

static error_t give(struct handover *handover) {
    const uint64_t slot = procfs.mounts;
    return handover_put(handover, CLASS_MOUNTS, VERSION, 0, &slot, sizeof(slot));
}

static error_t take(struct handover *handover) {
    struct handover_view view = {0};
    uint64_t slot;
    error_t error = handover_next(handover, CLASS_MOUNTS, &view);
    if (error == ERR_OK)
        error = handover_read(&view, VERSION, &slot, sizeof(slot));
    if (error != ERR_OK)
        return error;
    procfs.mounts = (cap_t)slot;
    handover_claim(procfs.mounts);
    return ERR_OK;
}

static struct file_server server = {
    .name = "procfs", .only_tree = &procfs_tree, .show_mounts = show_mounts, .give_trees = give, .take_trees = take};

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
