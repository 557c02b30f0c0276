// The initrd as a tree: a cpio archive ("newc", see cpio(5)) that lies in memory, read-only. Nodes point into
// the archive's bytes; none is ever freed. Made once by initrd_parse.
#pragma once

#include "servers/framework/tree.h"

struct initrd_node {
    struct initrd_node *parent, *first_child, *next_sibling;
    const char *name; // in its parent; not NUL-terminated
    size_t name_length;
    const unsigned char *data; // content, or a link's text
    uint64_t size;
    uint64_t inode;
    int64_t modified; // nanoseconds
    uint32_t user, group, links;
    uint16_t mode;
    uint8_t kind;
};

// The archive's root. It ends at its trailer, or where it stops making sense: what came before is there.
// ERR_CORRUPT: not even one entry; ERR_NO_MEMORY.
MUST_USE error_t initrd_parse(const unsigned char *bytes, size_t length, struct initrd_node **root);

extern const struct tree_ops initrd_ops;
