// The framework's tree of nodes over the core: names and structures change shape, nothing else happens here.
#include <string.h>

#include "libipc/kept/undo.h"
#include "servers/ext2/volume.h"

_Static_assert(sizeof(struct node_stream) <= sizeof(((struct open_file *)0)->own_words), "kept in the open file");

static struct inode *own(struct tree_node *node) {
    return (struct inode *)node;
}

static struct volume *volume_of(const struct open_file *file) {
    return file->session.tree->own;
}

static uint8_t kind_of(enum node_type type) {
    static const uint8_t kinds[] = {
        [NODE_REGULAR] = FILE_KIND_REGULAR, [NODE_DIRECTORY] = FILE_KIND_DIRECTORY, [NODE_CHARACTER] = FILE_KIND_CHARACTER,
        [NODE_BLOCK] = FILE_KIND_BLOCK,     [NODE_FIFO] = FILE_KIND_PIPE,           [NODE_SOCKET] = FILE_KIND_SOCKET,
        [NODE_SYMLINK] = FILE_KIND_SYMLINK};
    return type <= NODE_SYMLINK ? kinds[type] : 0;
}

static enum node_type type_of(uint8_t kind) {
    static const enum node_type types[] = {
        [FILE_KIND_REGULAR] = NODE_REGULAR, [FILE_KIND_DIRECTORY] = NODE_DIRECTORY, [FILE_KIND_CHARACTER] = NODE_CHARACTER,
        [FILE_KIND_BLOCK] = NODE_BLOCK,     [FILE_KIND_PIPE] = NODE_FIFO,           [FILE_KIND_SOCKET] = NODE_SOCKET};
    return kind <= FILE_KIND_SOCKET ? types[kind] : NODE_REGULAR;
}

static void ext2_hold(struct tree_node *node) {
    node_reference(own(node));
}

static void ext2_release(struct tree_node *node) {
    node_release(own(node));
}

static uint8_t ext2_kind(struct tree_node *node) {
    return kind_of(node_type(own(node)));
}

static int64_t to_nanoseconds(struct file_time time) {
    return time.seconds * 1000000000 + time.nanoseconds;
}

static struct file_time to_time(int64_t nanoseconds) {
    int64_t rest = nanoseconds % 1000000000;
    if (rest < 0)
        rest += 1000000000;
    return (struct file_time){.seconds = (nanoseconds - rest) / 1000000000, .nanoseconds = (uint32_t)rest};
}

// To its caller's stack.
KEPT_UNNOTED static error_t ext2_status(struct tree *tree, struct tree_node *node, struct file_status *status) {
    struct node_attributes attributes;
    (void)tree;
    node_attributes(own(node), &attributes);
    *status = (struct file_status){
        .inode = attributes.number,
        .size = attributes.size,
        .blocks = attributes.sectors,
        .accessed = to_nanoseconds(attributes.access),
        .modified = to_nanoseconds(attributes.modify),
        .changed = to_nanoseconds(attributes.change),
        .represents = (uint64_t)attributes.device_major << 32 | attributes.device_minor,
        .links = attributes.links,
        .user = attributes.uid,
        .group = attributes.gid,
        .block_size = attributes.block_size,
        .mode = attributes.mode & 07777,
        .kind = kind_of(node_type(own(node))),
    };
    return ERR_OK;
}

static error_t ext2_lookup(struct tree_node *directory, const char *name, size_t length, struct tree_node **result) {
    return node_lookup(own(directory), name, (uint32_t)length, (struct inode **)result);
}

static error_t ext2_parent(struct tree_node *directory, struct tree_node **result) {
    return node_lookup(own(directory), "..", 2, (struct inode **)result);
}

struct listing {
    tree_emit *emit;
    void *context;
};

static bool emit_entry(void *context, const struct node_entry *entry) {
    const struct listing *listing = context;
    const struct tree_entry told = {
        .name = entry->name,
        .length = entry->length,
        .inode = entry->number,
        .next = entry->next,
        .kind = kind_of(entry->type),
    };
    return listing->emit(listing->context, &told);
}

static error_t ext2_list(struct tree_node *directory, uint64_t *cursor, tree_emit *emit, void *context) {
    struct listing listing = {emit, context};
    return node_readdir(own(directory), cursor, emit_entry, &listing);
}

static error_t ext2_read_link(struct tree_node *node, char *text, size_t size, size_t *length) {
    uint32_t whole;
    error_t error = node_readlink(own(node), text, (uint32_t)size, &whole);
    if (!error)
        *length = whole;
    return error;
}

static error_t ext2_create(struct tree_node *directory, const char *name, size_t length, const struct tree_creation *creation,
                           struct tree_node **result) {
    const struct node_creation made = {
        .type = type_of(creation->kind),
        .permissions = creation->mode & 07777,
        .device_major = (uint32_t)(creation->represents >> 32),
        .device_minor = (uint32_t)creation->represents,
    };
    struct inode **inode = (struct inode **)result;
    if (creation->kind == FILE_KIND_DIRECTORY)
        return node_mkdir(own(directory), name, (uint32_t)length, &made, inode);
    return node_create(own(directory), name, (uint32_t)length, &made, inode);
}

static error_t ext2_make_symlink(struct tree_node *directory, const char *name, size_t length, const char *text,
                                 size_t text_length) {
    const struct node_creation made = {.type = NODE_SYMLINK, .permissions = 0777};
    struct inode *inode;
    error_t error = node_symlink(own(directory), name, (uint32_t)length, text, (uint32_t)text_length, &made, &inode);
    if (!error)
        node_release(inode);
    return error;
}

static error_t ext2_link(struct tree_node *directory, const char *name, size_t length, struct tree_node *node) {
    return node_link(own(directory), name, (uint32_t)length, own(node));
}

static error_t ext2_unlink(struct tree_node *directory, const char *name, size_t length) {
    return node_unlink(own(directory), name, (uint32_t)length);
}

static error_t ext2_remove_directory(struct tree_node *directory, const char *name, size_t length) {
    return node_rmdir(own(directory), name, (uint32_t)length);
}

static error_t ext2_rename(struct tree_node *from, const char *from_name, size_t from_length, struct tree_node *to,
                           const char *to_name, size_t to_length, uint64_t flags) {
    struct inode *existing;
    if (flags & ~(uint64_t)RENAME_FLAG_NO_REPLACE)
        return ERR_INVALID;
    if ((flags & RENAME_FLAG_NO_REPLACE) && node_lookup(own(to), to_name, (uint32_t)to_length, &existing) == ERR_OK) {
        node_release(existing);
        return ERR_EXISTS;
    }
    return node_rename(own(from), from_name, (uint32_t)from_length, own(to), to_name, (uint32_t)to_length);
}

static error_t ext2_set_status(struct tree_node *node, uint64_t fields, const struct file_status *status) {
    static const struct {
        uint64_t field;
        uint32_t set;
    } pairs[] = {{STATUS_FIELD_MODE, NODE_SET_MODE},
                 {STATUS_FIELD_USER, NODE_SET_UID},
                 {STATUS_FIELD_GROUP, NODE_SET_GID},
                 {STATUS_FIELD_ACCESSED, NODE_SET_ACCESS},
                 {STATUS_FIELD_MODIFIED, NODE_SET_MODIFY},
                 {STATUS_FIELD_ACCESSED_NOW, NODE_SET_ACCESS_NOW},
                 {STATUS_FIELD_MODIFIED_NOW, NODE_SET_MODIFY_NOW}};
    const struct node_attributes values = {
        .mode = status->mode,
        .uid = status->user,
        .gid = status->group,
        .access = to_time(status->accessed),
        .modify = to_time(status->modified),
    };
    uint32_t set = 0;
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
        if (fields & pairs[i].field)
            set |= pairs[i].set;
    return node_set_attributes(own(node), set, &values);
}

static error_t ext2_truncate(struct tree_node *node, uint64_t size) {
    return node_truncate(own(node), size);
}

static error_t ext2_opened(struct open_file *file) {
    enum node_type type = node_type(own(file->session.node));
    return type == NODE_REGULAR || type == NODE_DIRECTORY ? ERR_OK : ERR_NO_DEVICE_ADDRESS;
}

static error_t ext2_read(struct open_file *file, struct request *request, uint64_t position, uint64_t length, uint64_t *count) {
    struct platform_caller caller = {request, volume_of(file)->disk.memory};
    struct node_stream *stream = (struct node_stream *)(void *)file->own_words;
    return node_read(own(file->session.node), stream, position, length, &caller, 0, count);
}

static error_t ext2_write(struct open_file *file, struct request *request, uint64_t position, bool append, uint64_t length,
                          uint64_t *count, uint64_t *end) {
    struct platform_caller caller = {request, volume_of(file)->disk.memory};
    uint64_t at = position;
    error_t error = node_write(own(file->session.node), position, append, length, &caller, 0, count, &at);
    *end = at + *count;
    return error;
}

static error_t ext2_sync(struct tree_node *node, uint64_t flags) {
    (void)flags;
    return node_fsync(own(node));
}

static error_t ext2_statistics(struct tree *tree, struct filesystem_status *status) {
    const struct volume *volume = tree->own;
    struct filesystem_statistics found;
    filesystem_statistics(volume->filesystem, &found);
    status->block_size = found.block_size;
    status->blocks = found.blocks;
    status->free_blocks = found.blocks_free;
    status->available_blocks = found.blocks_available;
    status->files = found.inodes;
    status->free_files = found.inodes_free;
    status->name_max = found.name_bytes;
    return ERR_OK;
}

static error_t ext2_sync_tree(struct tree *tree) {
    const struct volume *volume = tree->own;
    return filesystem_synchronize(volume->filesystem);
}

static uint64_t ext2_identity(const struct tree_node *node) {
    const struct inode *inode = (const struct inode *)node;
    return (uint64_t)node_generation(inode) << 32 | node_number(inode);
}

static error_t ext2_find(struct tree *tree, uint64_t identity, struct tree_node **result) {
    const struct volume *volume = tree->own;
    return node_by_number(volume->filesystem, (uint32_t)identity, (uint32_t)(identity >> 32), (struct inode **)result);
}

const struct tree_ops ext2_tree_ops = {
    .hold = ext2_hold,
    .release = ext2_release,
    .kind = ext2_kind,
    .status = ext2_status,
    .lookup = ext2_lookup,
    .parent = ext2_parent,
    .list = ext2_list,
    .read_link = ext2_read_link,
    .create = ext2_create,
    .make_symlink = ext2_make_symlink,
    .link = ext2_link,
    .unlink = ext2_unlink,
    .remove_directory = ext2_remove_directory,
    .rename = ext2_rename,
    .set_status = ext2_set_status,
    .truncate = ext2_truncate,
    .opened = ext2_opened,
    .read = ext2_read,
    .write = ext2_write,
    .sync = ext2_sync,
    .map = ext2_map,
    .statistics = ext2_statistics,
    .sync_tree = ext2_sync_tree,
    .identity = ext2_identity,
    .find = ext2_find,
};
