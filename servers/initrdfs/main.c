// initrdfs: the archive that GRUB loaded, as a read-only file system. It is / until vfs mounts another, and
// the rescue shell's.
#include "kernel/abi/capability.h"
#include "libipc/protocols/memory.h"
#include "libipc/protocols/process.h"
#include "libipc/start/start.h"
#include "servers/framework/file_server.h"
#include "servers/initrdfs/archive.h"

int server_main(const struct startup *startup);

static struct tree tree = {.ops = &initrd_ops, .flags = MOUNT_FLAG_READ_ONLY, .type = "initrdfs"};
static struct file_server initrdfs = {.name = "initrdfs", .only_tree = &tree};

static error_t archive_open(void) {
    cap_t memory = startup_capability("initrd");
    uint64_t length, kind, resident, address;
    error_t error = memory_information(memory, &length, &kind, &resident);
    if (error == ERR_OK)
        error = process_map(SLOT_SELF, 0, length, 0, MAP_FLAG_READ, memory, &address);
    if (error != ERR_OK)
        return error;
    struct initrd_node *root;
    error = initrd_parse((const unsigned char *)(uintptr_t)address, length, &root);
    if (error == ERR_OK)
        tree.root = (struct tree_node *)root;
    return error;
}

int server_main(const struct startup *startup) {
    if (file_server_prepare(&initrdfs, startup) != ERR_OK || archive_open() != ERR_OK)
        return 1;
    return file_server_run(&initrdfs) == ERR_OK ? 0 : 1;
}
