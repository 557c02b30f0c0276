// tree_ops over the table. The cursor of an entry is its index and 1.
#include <string.h>

#include "libipc/client/slot.h"
#include "libipc/include/startup.h"
#include "libipc/protocols/directory_server.h"
#include "servers/devfs/state.h"

static const unsigned char zeros[4096];

static struct device *own(struct tree_node *node) {
    return (struct device *)node;
}

static void node_keep(struct tree_node *node) {
    (void)node;
}

static uint8_t node_kind(struct tree_node *node) {
    enum device_kind kind = own(node)->kind;
    return kind == DEVICE_ROOT ? FILE_KIND_DIRECTORY : kind == DEVICE_DISK ? FILE_KIND_BLOCK : FILE_KIND_CHARACTER;
}

static error_t node_status(struct tree *tree, struct tree_node *node, struct file_status *status) {
    (void)tree;
    const struct device *device = own(node);
    *status = (struct file_status){.inode = (uint64_t)(device - devfs.devices) + 1, .mode = device->mode};
    status->accessed = status->modified = status->changed = devfs.started;
    status->represents = device->represents;
    status->links = device->kind == DEVICE_ROOT ? 2 : 1;
    status->user = device->user;
    status->group = device->group;
    status->block_size = device->kind == DEVICE_DISK ? TRANSFER_BYTES : sizeof(zeros);
    status->kind = node_kind(node);
    if (device->kind == DEVICE_DISK)
        status->size = disk_bytes(device);
    return ERR_OK;
}

static struct device *device_find(const char *name, size_t length) {
    for (uint32_t i = 1; i < devfs.count; i++)
        if (strlen(devfs.devices[i].name) == length && memcmp(devfs.devices[i].name, name, length) == 0)
            return &devfs.devices[i];
    return NULL;
}

static error_t node_lookup(struct tree_node *directory, const char *name, size_t length, struct tree_node **result) {
    (void)directory;
    struct device *device = device_find(name, length);
    if (device == NULL) {
        disks_refresh();
        device = device_find(name, length);
    }
    *result = (struct tree_node *)device;
    return device != NULL ? ERR_OK : ERR_NOT_FOUND;
}

static error_t node_parent(struct tree_node *directory, struct tree_node **result) {
    *result = directory;
    return ERR_OK;
}

static error_t node_list(struct tree_node *directory, uint64_t *cursor, tree_emit *emit, void *context) {
    (void)directory;
    if (*cursor == 0)
        disks_refresh();
    if (!tree_list_dots(cursor, 1, 1, emit, context))
        return ERR_OK;
    for (uint64_t index = *cursor - 1; index < devfs.count; index++) {
        const struct device *device = &devfs.devices[index];
        struct tree_entry entry = {.name = device->name, .length = strlen(device->name), .inode = index + 1};
        entry.next = index + 2;
        entry.kind = device->kind == DEVICE_DISK ? FILE_KIND_BLOCK : FILE_KIND_CHARACTER;
        if (!emit(context, &entry))
            return ERR_OK;
        *cursor = entry.next;
    }
    return ERR_OK;
}

static error_t node_set_status(struct tree_node *node, uint64_t fields, const struct file_status *status) {
    struct device *device = own(node);
    if ((fields & STATUS_FIELD_MODE) != 0)
        device->mode = status->mode & 07777;
    if ((fields & STATUS_FIELD_USER) != 0)
        device->user = status->user;
    if ((fields & STATUS_FIELD_GROUP) != 0)
        device->group = status->group;
    return ERR_OK;
}

// A terminal's own server answers the client, with an open file of its own.
static error_t node_open_elsewhere(struct tree_node *node, struct request *request, uint64_t flags, cap_t *file) {
    (void)file;
    struct device *device = own(node);
    if (device->kind != DEVICE_TERMINAL)
        return ERR_NOT_SUPPORTED;
    struct directory_open_in passed = {.start = request->lent_read_length};
    passed.flags = flags & ~(uint64_t)(OPEN_FLAG_CREATE | OPEN_FLAG_EXCLUSIVE | OPEN_FLAG_TRUNCATE | PATH_FLAG_WALK);
    return directory_open_forward(request, device->session, &passed);
}

static error_t node_opened(struct open_file *file) {
    struct device *device = own(file->session.node);
    if (device->kind == DEVICE_ROOT)
        return ERR_OK;
    file->is_stream = device->kind == DEVICE_RANDOM;
    return device->kind == DEVICE_DISK ? disk_open(device) : ERR_OK;
}

static error_t zeros_read(struct request *request, uint64_t length, uint64_t *count) {
    error_t error = ERR_OK;
    while (error == ERR_OK && *count < length) {
        uint64_t part = length - *count < sizeof(zeros) ? length - *count : sizeof(zeros);
        error = request_copy_out(request, *count, zeros, part);
        if (error == ERR_OK)
            *count += part;
    }
    return *count != 0 ? ERR_OK : error;
}

static error_t node_read(struct open_file *file, struct request *request, uint64_t position, uint64_t length, uint64_t *count) {
    struct device *device = own(file->session.node);
    *count = 0;
    switch (device->kind) {
    case DEVICE_NULL:
        return ERR_OK;
    case DEVICE_ZERO:
    case DEVICE_FULL:
        return zeros_read(request, length, count);
    case DEVICE_RANDOM:
        return random_read(request, length, count);
    case DEVICE_DISK:
        return disk_read(device, request, position, length, count);
    default:
        return ERR_NOT_SUPPORTED;
    }
}

static error_t node_write(struct open_file *file, struct request *request, uint64_t position, bool append, uint64_t length,
                          uint64_t *count, uint64_t *end) {
    struct device *device = own(file->session.node);
    (void)append;
    *count = length;
    error_t error = ERR_OK;
    if (device->kind == DEVICE_FULL) {
        *count = 0;
        error = length != 0 ? ERR_NO_SPACE : ERR_OK;
    } else if (device->kind == DEVICE_DISK) {
        error = disk_write(device, request, position, length, count);
    }
    *end = position + *count;
    return error;
}

static error_t node_sync(struct tree_node *node, uint64_t flags) {
    (void)flags;
    struct device *device = own(node);
    return device->kind == DEVICE_DISK && device->session != 0 ? block_flush(device->session) : ERR_OK;
}

// A session of the unit for the client alone.
static error_t node_device(struct open_file *file, uint64_t *protocol, cap_t *result) {
    struct device *device = own(file->session.node);
    if (device->kind != DEVICE_DISK)
        return ERR_NO_DEVICE;
    if ((file->access & (OPEN_FLAG_READ | OPEN_FLAG_WRITE)) == 0)
        return ERR_RIGHTS;
    *protocol = PROTOCOL_BLOCK;
    return block_open(device->driver, device->unit, result);
}

// By name: the next actor's table may have another order.
static uint64_t node_identity(const struct tree_node *node) {
    return startup_badge(((const struct device *)node)->name);
}

static struct device *device_named(uint64_t identity) {
    for (uint32_t i = 0; i < devfs.count; i++)
        if (startup_badge(devfs.devices[i].name) == identity)
            return &devfs.devices[i];
    return NULL;
}

static error_t node_find(struct tree *tree, uint64_t identity, struct tree_node **result) {
    (void)tree;
    struct device *device = device_named(identity);
    if (device == NULL) {
        disks_refresh();
        device = device_named(identity);
    }
    *result = (struct tree_node *)device;
    return device != NULL ? ERR_OK : ERR_NOT_FOUND;
}

static const struct tree_ops devfs_ops = {
    .hold = node_keep,
    .release = node_keep,
    .kind = node_kind,
    .status = node_status,
    .lookup = node_lookup,
    .parent = node_parent,
    .list = node_list,
    .set_status = node_set_status,
    .open_elsewhere = node_open_elsewhere,
    .opened = node_opened,
    .read = node_read,
    .write = node_write,
    .sync = node_sync,
    .device = node_device,
    .identity = node_identity,
    .find = node_find,
};

struct tree devfs_tree = {.ops = &devfs_ops, .root = (struct tree_node *)&devfs.devices[0], .type = "devfs"};
