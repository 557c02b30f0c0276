// One attached file system as the framework sees it: a tree of nodes behind a table of operations. A file
// server implements the table; walking, open files, sessions and the three protocols (directory, file,
// filesystem) are the framework's.
//
// A node is known by its address: two references to one node are equal pointers for as long as one of them is
// held. Whatever returns a node returns it held. All operations run on fibers and may wait, except `hold` and
// `kind`.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/abi/errors.h"
#include "libipc/protocols/directory.h"
#include "libipc/protocols/file_server.h"
#include "libipc/protocols/vfs.h"
#include "libipc/server/request.h"

struct tree_node; // the server's own node, opaque here
struct open_file;
struct tree;

struct tree_creation {
    uint8_t kind;  // enum file_kind, not SYMLINK
    uint16_t mode; // permission bits
    uint64_t represents;
};

struct tree_entry {
    const char *name;
    size_t length;
    uint64_t inode;
    uint64_t next; // cursor after this entry
    uint8_t kind;  // enum file_kind; 0: unknown
};
// False: no room, the entry is not consumed. Does not wait.
typedef bool tree_emit(void *context, const struct tree_entry *entry);

// What NULL means is said with each; NULL in a tree that is never written to: all that change something.
struct tree_ops {
    // References. Never NULL.
    void (*hold)(struct tree_node *node);
    void (*release)(struct tree_node *node);
    uint8_t (*kind)(struct tree_node *node); // enum file_kind

    // Everything but `device`. Never NULL.
    error_t (*status)(struct tree *tree, struct tree_node *node, struct file_status *status);
    // The name is never empty, ".", ".." or longer than 255 bytes. Never NULL.
    error_t (*lookup)(struct tree_node *directory, const char *name, size_t length, struct tree_node **result);
    // The directory that holds this directory; not asked of the root. Never NULL.
    error_t (*parent)(struct tree_node *directory, struct tree_node **result);
    // Entries from *cursor (0: the start) on, "." and ".." among them, until `emit` says no or the end is
    // reached; *cursor is where to go on. Never NULL.
    error_t (*list)(struct tree_node *directory, uint64_t *cursor, tree_emit *emit, void *context);
    // At most `size` bytes; *length: of the whole text. NULL: there are no links.
    error_t (*read_link)(struct tree_node *node, char *text, size_t size, size_t *length);

    // Changes. NULL: ERR_READ_ONLY. `create` answers ERR_EXISTS if the name is there.
    error_t (*create)(struct tree_node *directory, const char *name, size_t length, const struct tree_creation *creation,
                      struct tree_node **result);
    error_t (*make_symlink)(struct tree_node *directory, const char *name, size_t length, const char *text, size_t text_length);
    error_t (*link)(struct tree_node *directory, const char *name, size_t length, struct tree_node *node);
    error_t (*unlink)(struct tree_node *directory, const char *name, size_t length);
    error_t (*remove_directory)(struct tree_node *directory, const char *name, size_t length);
    // `flags`: enum rename_flag; ERR_INVALID for one that is not supported.
    error_t (*rename)(struct tree_node *from, const char *from_name, size_t from_length, struct tree_node *to,
                      const char *to_name, size_t to_length, uint64_t flags);
    error_t (*set_status)(struct tree_node *node, uint64_t fields, const struct file_status *status);
    error_t (*truncate)(struct tree_node *node, uint64_t size);

    // Open files. `opened` before the first use (NULL: nothing to do, and devices can't be opened), `closed`
    // after the last, if `opened` succeeded.
    error_t (*opened)(struct open_file *file);
    void (*closed)(struct open_file *file);
    // Moves up to `length` bytes to or from the buffer that the request lent, from its beginning; *count:
    // moved.
    error_t (*read)(struct open_file *file, struct request *request, uint64_t position, uint64_t length, uint64_t *count);
    // `append`: position is ignored and the end taken; *end: the position after what was written. NULL:
    // ERR_READ_ONLY.
    error_t (*write)(struct open_file *file, struct request *request, uint64_t position, bool append, uint64_t length,
                     uint64_t *count, uint64_t *end);
    // WHENCE DATA and HOLE. NULL: all is data.
    error_t (*seek)(struct open_file *file, uint64_t position, uint64_t whence, uint64_t *result);
    error_t (*sync)(struct tree_node *node, uint64_t flags); // NULL: nothing to do
    // What of enum readiness holds now; later changes are told by poll_list_notify(&file->polls, ...). NULL:
    // always ready.
    uint64_t (*ready)(struct open_file *file);
    error_t (*map)(struct open_file *file, const struct file_map_in *in,
                   struct file_map_out *out);                                     // NULL: ERR_NOT_SUPPORTED
    error_t (*device)(struct open_file *file, uint64_t *protocol, cap_t *device); // NULL: ERR_NO_DEVICE
    // Opening of nodes that another server serves (a terminal): hands `file` out, or forwards the request.
    // ERR_NOT_SUPPORTED, or NULL: this node is opened here.
    error_t (*open_elsewhere)(struct tree_node *node, struct request *request, uint64_t flags, cap_t *file);

    // The tree. `statistics` fills all but device, flags and type. NULL: zeros; `sync_tree`: nothing to do.
    error_t (*statistics)(struct tree *tree, struct filesystem_status *status);
    error_t (*sync_tree)(struct tree *tree);

    // For another build (handover.h): what a node is called then, unique in its tree; and the node of that name, held. NULL: this
    // server does not hand over.
    uint64_t (*identity)(const struct tree_node *node);
    error_t (*find)(struct tree *tree, uint64_t identity, struct tree_node **result);
};

// A directory on which something is mounted; the node is held.
struct tree_cover {
    struct tree_node *node;
    uint64_t mount;
    struct tree_cover *next;
};

struct tree {
    const struct tree_ops *ops;
    struct tree_node *root; // held
    void *own;              // the server's
    uint64_t device;        // unique since boot; filled in by the framework
    uint64_t flags;         // enum mount_flag
    char type[16];
    struct tree_cover *covers;
    struct tree *next;
};

static inline bool tree_is_read_only(const struct tree *tree) {
    return (tree->flags & MOUNT_FLAG_READ_ONLY) != 0;
}

// The number of what is mounted on the node; 0: nothing.
uint64_t tree_cover_find(const struct tree *tree, const struct tree_node *node);
// 0 takes the cover away. ERR_NOT_DIRECTORY, ERR_BUSY, ERR_NO_MEMORY.
MUST_USE error_t tree_cover_set(struct tree *tree, struct tree_node *node, uint64_t mount);
void tree_covers_drop(struct tree *tree);

// "." and "..", for servers without entries of their own for them. *cursor 0 and 1 stand for them; true: both
// are out.
bool tree_list_dots(uint64_t *cursor, uint64_t inode, uint64_t parent_inode, tree_emit *emit, void *context);

// What tree_ops.read does for a file whose whole content lies at bytes[0, size).
MUST_USE error_t tree_read_bytes(struct request *request, const void *bytes, uint64_t size, uint64_t position, uint64_t length,
                                 uint64_t *count);

// The absolute path of a directory from the root of its tree, by climbing and looking for it in each parent.
// *length: bytes. ERR_NOT_FOUND: removed, ERR_NAME_TOO_LONG.
MUST_USE error_t tree_path(struct tree *tree, struct tree_node *node, char *text, size_t size, size_t *length);
