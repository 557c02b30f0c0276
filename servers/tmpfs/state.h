// What tmpfs keeps: trees, nodes, directory entries, and pages of file content. Invariants: a node lives
// while it has links or references; a page that no file uses is discarded, so a page just taken reads as
// zero; bytes behind a file's size are zero.
#pragma once

#include "servers/framework/file_server.h"

enum {
    PAGE_BYTES = 4096,
    LEAF_PAGES = 1024,
    SLAB_PAGES = 64,
    LEAVES_MAX = 16384, // of a file: 64 GiB
};

// A number for a page of content: 0 is a hole.
typedef uint32_t page_t;

struct tmp_entry {
    struct tmp_entry *hash_next;
    struct tmp_entry *next, *previous; // by cookie
    struct tmp_node *node;
    uint64_t cookie; // 2 and up, rises
    uint32_t hash;
    uint8_t length;
    char name[];
};

struct tmp_directory {
    struct tmp_node *parent; // NULL: removed; the root's is itself
    struct tmp_entry *first, *last;
    struct tmp_entry **buckets; // a power of two of them, or none
    uint32_t bucket_count, count;
    uint64_t last_cookie;
};

struct tmp_content {
    page_t **leaves; // each of LEAF_PAGES, or NULL
    uint32_t leaf_count;
    uint64_t page_count;
};

struct tmp_link {
    char *text;
    size_t length;
};

struct tmp_tree {
    struct tree tree;
    uint64_t page_limit, page_count; // pages of content
    uint64_t node_limit, node_count;
    uint64_t last_inode;
    struct tmp_node *first; // of all nodes
};

struct tmp_node {
    struct tmp_tree *tree;
    struct tmp_node *next, *previous, *same_bucket; // in the tree's list; during a handover
    uint32_t references, links;
    uint64_t inode, size, represents;
    int64_t accessed, modified, changed;
    uint32_t user, group;
    uint16_t mode;
    uint8_t kind;
    union {
        struct tmp_directory directory;
        struct tmp_content content;
        struct tmp_link link;
    };
};

// page.c: pages in unmapped memory objects.
MUST_USE error_t page_take(page_t near, page_t *page); // `near`: best right behind this one. ERR_NO_SPACE
void page_free(page_t page);
void page_locate(page_t page, cap_t *memory, uint64_t *offset);
uint32_t page_pool_slabs(void);
// For another build. False: there is no slab of this index; a slab without memory is not in use.
bool page_slab(uint32_t index, uint64_t *memory, uint64_t *used);
MUST_USE error_t page_slab_restore(uint32_t index, cap_t memory, uint64_t used);

// content.c
MUST_USE error_t content_read(struct tmp_node *node, struct request *request, uint64_t position, uint64_t length,
                              uint64_t *count);
MUST_USE error_t content_write(struct tmp_node *node, struct request *request, uint64_t position, uint64_t length,
                               uint64_t *count);
MUST_USE error_t content_truncate(struct tmp_node *node, uint64_t size);
void content_free(struct tmp_node *node);
// A run of LEAF_PAGES pages that the node had.
MUST_USE error_t content_restore(struct tmp_node *node, uint64_t leaf, const page_t *pages);
// The first byte at or after `position` that lies in a page (data) or in none; the size if there is none.
uint64_t content_seek(const struct tmp_node *node, uint64_t position, bool data);

// entry.c: names in a directory.
struct tmp_entry *entry_find(const struct tmp_node *directory, const char *name, size_t length);
MUST_USE error_t entry_add(struct tmp_node *directory, const char *name, size_t length, struct tmp_node *node);
void entry_remove(struct tmp_node *directory, struct tmp_entry *entry);

// node.c
MUST_USE error_t node_make(struct tmp_tree *tree, uint8_t kind, uint16_t mode,
                           struct tmp_node **result); // one reference, no links
void node_drop(struct tmp_node *node);                // a reference less
void node_unlinked(struct tmp_node *node);            // `links` was lowered
void node_free_if_unused(struct tmp_node *node);
void node_touch(struct tmp_node *node); // modified and changed now
extern const struct tree_ops tmpfs_ops;
