// See archive.h. The header is 110 bytes of ASCII: a magic number and 13 fields of 8 hexadecimal digits; name
// and data follow, each padded to a multiple of 4 (cpio(5), "New ASCII Format"). Hard links come out as
// separate files.
#include "servers/initrdfs/archive.h"

#include <stdlib.h>
#include <string.h>

#include "servers/framework/path.h"

enum { HEADER_BYTES = 110, MAGIC_BYTES = 6, FIELD_DIGITS = 8, NODES_MAX = 1 << 16 };
enum field { FIELD_INODE, FIELD_MODE, FIELD_USER, FIELD_GROUP, FIELD_LINKS, FIELD_MODIFIED, FIELD_SIZE, FIELD_NAME_SIZE = 11 };
enum { MODE_TYPE = 0170000, MODE_DIRECTORY = 0040000, MODE_REGULAR = 0100000, MODE_SYMLINK = 0120000 };

struct record {
    const char *name;
    size_t name_length;
    const unsigned char *data;
    uint32_t size, mode, user, group, modified;
};

static bool field_parse(const unsigned char *header, enum field field, uint32_t *value) {
    *value = 0;
    for (unsigned i = 0; i < FIELD_DIGITS; i++) {
        unsigned char digit = header[MAGIC_BYTES + (unsigned)field * FIELD_DIGITS + i];
        unsigned number = digit >= '0' && digit <= '9'   ? digit - '0'
                          : digit >= 'a' && digit <= 'f' ? digit - 'a' + 10u
                          : digit >= 'A' && digit <= 'F' ? digit - 'A' + 10u
                                                         : 16;
        if (number == 16)
            return false;
        *value = *value << 4 | number;
    }
    return true;
}

// The record at *at, which moves behind it. False at the end, or where the archive is damaged.
static bool record_next(const unsigned char *bytes, size_t length, size_t *at, struct record *record) {
    uint32_t name_size;
    if (*at > length || length - *at < HEADER_BYTES || memcmp(bytes + *at, "070701", MAGIC_BYTES) != 0)
        return false;
    const unsigned char *header = bytes + *at;
    if (!field_parse(header, FIELD_MODE, &record->mode) || !field_parse(header, FIELD_USER, &record->user) ||
        !field_parse(header, FIELD_GROUP, &record->group) || !field_parse(header, FIELD_MODIFIED, &record->modified) ||
        !field_parse(header, FIELD_SIZE, &record->size) || !field_parse(header, FIELD_NAME_SIZE, &name_size))
        return false;
    uint64_t name = *at + HEADER_BYTES, data = (name + name_size + 3) & ~UINT64_C(3);
    if (name_size == 0 || name_size > PATH_BYTES_MAX || data > length || record->size > length - data ||
        bytes[name + name_size - 1] != '\0')
        return false;
    record->name = (const char *)bytes + name;
    record->name_length = strnlen(record->name, name_size);
    record->data = bytes + data;
    *at = (data + record->size + 3) & ~UINT64_C(3);
    return strcmp(record->name, "TRAILER!!!") != 0;
}

static struct initrd_node *child_find(const struct initrd_node *directory, const char *name, size_t length) {
    struct initrd_node *child = directory->first_child;
    while (child != NULL && (child->name_length != length || memcmp(child->name, name, length) != 0))
        child = child->next_sibling;
    return child;
}

static struct initrd_node *child_make(struct initrd_node *directory, const char *name, size_t length, uint64_t *inodes) {
    struct initrd_node *child = *inodes < NODES_MAX ? calloc(1, sizeof(*child)) : NULL;
    if (child == NULL)
        return NULL;
    *child = (struct initrd_node){.name = name, .name_length = length, .inode = ++*inodes, .links = 2};
    child->mode = 0755;
    child->kind = FILE_KIND_DIRECTORY;
    child->parent = directory != NULL ? directory : child;
    if (directory == NULL)
        return child;
    directory->links++;
    struct initrd_node **place = &directory->first_child;
    while (*place != NULL)
        place = &(*place)->next_sibling;
    *place = child;
    return child;
}

// The node for a record's path; directories on the way that the archive does not name are made. NULL: no such
// path can be.
static struct initrd_node *node_for(struct initrd_node *root, const struct record *record, uint64_t *inodes) {
    struct initrd_node *node = root;
    struct path_step step;
    for (size_t at = 0; path_next(record->name, record->name_length, at, &step); at = step.end) {
        if (path_step_is_dot(&step))
            continue;
        if (path_step_is_dots(&step) || step.length > PATH_NAME_MAX || node->kind != FILE_KIND_DIRECTORY)
            return NULL;
        struct initrd_node *child = child_find(node, step.name, step.length);
        node = child != NULL ? child : child_make(node, step.name, step.length, inodes);
        if (node == NULL)
            return NULL;
    }
    return node;
}

static uint8_t kind_of(uint32_t mode) {
    switch (mode & MODE_TYPE) {
    case MODE_DIRECTORY:
        return FILE_KIND_DIRECTORY;
    case MODE_REGULAR:
        return FILE_KIND_REGULAR;
    case MODE_SYMLINK:
        return FILE_KIND_SYMLINK;
    default:
        return 0; // devices are devfs's
    }
}

static void node_fill(struct initrd_node *node, const struct record *record) {
    uint8_t kind = kind_of(record->mode);
    bool becomes_file = kind != FILE_KIND_DIRECTORY && node->kind == FILE_KIND_DIRECTORY;
    if (kind == 0 || (becomes_file && (node->first_child != NULL || node->parent == node)) ||
        (kind == FILE_KIND_SYMLINK && (record->size == 0 || record->size >= PATH_BYTES_MAX)))
        return;
    if (becomes_file) {
        node->links = 1;
        node->parent->links--;
    }
    if (kind != FILE_KIND_DIRECTORY) {
        node->data = record->data;
        node->size = record->size;
    }
    if (kind == FILE_KIND_DIRECTORY && node->kind != kind)
        return;
    node->kind = kind;
    node->mode = (uint16_t)(record->mode & 07777);
    node->user = record->user;
    node->group = record->group;
    node->modified = (int64_t)record->modified * 1000000000;
}

error_t initrd_parse(const unsigned char *bytes, size_t length, struct initrd_node **root) {
    uint64_t inodes = 0;
    size_t at = 0, records = 0;
    struct record record;
    *root = child_make(NULL, "", 0, &inodes);
    if (*root == NULL)
        return ERR_NO_MEMORY;
    for (; record_next(bytes, length, &at, &record); records++) {
        struct initrd_node *node = node_for(*root, &record, &inodes);
        if (node != NULL)
            node_fill(node, &record);
    }
    return records != 0 ? ERR_OK : ERR_CORRUPT;
}
