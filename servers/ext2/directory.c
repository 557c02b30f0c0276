// Directory blocks. A removed entry just loses its inode number; free neighbours are joined when room is
// looked for. Invariant: a block is looked into only after all its entries were checked (BUFFER_CHECKED).
// Insertion does not keep hash indexes (htree) up: it takes the directory's index flag away, which leaves a
// valid plain directory. Called by namespace.c and rename.c.
#include "servers/ext2/directory.h"

#include <string.h>

#include "servers/ext2/buffer.h"
#include "servers/ext2/inode.h"
#include "servers/ext2/map.h"
#include "servers/ext2/message.h"
#include "servers/ext2/name_index.h"
#include "servers/ext2/recent_names.h"

static struct ext2_directory_entry *entry_at(const struct buffer *buffer, uint32_t offset) {
    return (struct ext2_directory_entry *)(void *)(buffer->data + offset);
}

static uint32_t entry_bytes(uint32_t name_length) {
    return (EXT2_ENTRY_HEADER_BYTES + name_length + 3) & ~3u;
}

bool directory_entry_is_dots(const struct ext2_directory_entry *entry) {
    return entry->name[0] == '.' && (entry->name_length == 1 || (entry->name_length == 2 && entry->name[1] == '.'));
}

static const char *entry_fault(const struct filesystem *fs, const struct ext2_directory_entry *entry, uint32_t offset) {
    if (entry->length < entry_bytes(1) || entry->length % 4 || entry->length > fs->block_size - offset)
        return "bad entry length";
    if (entry_bytes(entry->name_length) > entry->length)
        return "name longer than its entry";
    if (!(fs->feature_incompat & EXT2_INCOMPAT_FILETYPE) && entry->type)
        return "name too long";
    if (entry->inode == 0)
        return NULL;
    if (entry->inode > fs->inodes_count)
        return "inode number out of range";
    if (entry->name_length == 0 || memchr(entry->name, '/', entry->name_length) || memchr(entry->name, 0, entry->name_length))
        return "impossible name";
    return NULL;
}

static error_t block_check(struct inode *directory, uint32_t block, struct buffer *buffer) {
    struct filesystem *fs = directory->fs;
    const char *fault = NULL;
    uint32_t offset = 0;
    while (offset < fs->block_size && !fault) {
        const struct ext2_directory_entry *entry = entry_at(buffer, offset);
        fault = offset > fs->block_size - entry_bytes(1) ? "bad entry length" : entry_fault(fs, entry, offset);
        if (!fault)
            offset += entry->length;
    }
    if (!fault && block == 0) {
        const struct ext2_directory_entry *dot = entry_at(buffer, 0), *parent = entry_at(buffer, dot->length);
        if (dot->length >= fs->block_size || dot->inode != directory->number || dot->name_length != 1 || dot->name[0] != '.' ||
            parent->inode == 0 || parent->name_length != 2 || memcmp(parent->name, "..", 2) != 0)
            fault = "no . and .. at the start";
    }
    if (!fault) {
        buffer->flags |= BUFFER_CHECKED;
        return ERR_OK;
    }
    directory->flags |= INODE_DAMAGED;
    return filesystem_corrupt(fs, "ext2: directory inode %u, block %u (disk block %u), offset %u: %s", directory->number, block,
                              buffer->block, offset, fault);
}

error_t directory_block_get(struct inode *directory, uint32_t block, struct buffer **buffer) {
    struct filesystem *fs = directory->fs;
    uint32_t physical, count;
    error_t error = map_lookup(directory, block, 1, &physical, &count);
    if (error)
        return error;
    if (physical == 0) {
        directory->flags |= INODE_DAMAGED;
        return filesystem_corrupt(fs, "ext2: directory inode %u: block %u is missing", directory->number, block);
    }
    error = buffer_look(fs, physical, BUFFER_DIRECTORY, buffer);
    if (error || (*buffer)->flags & BUFFER_CHECKED)
        return error;
    return block_check(directory, block, *buffer);
}

// --- finding ---
static bool entry_matches(const struct ext2_directory_entry *entry, const char *name, uint32_t length) {
    return entry->inode && entry->name_length == length && memcmp(entry->name, name, length) == 0;
}

static void place_set(struct directory_place *place, struct buffer *buffer, uint32_t block, uint32_t offset) {
    const struct ext2_directory_entry *entry = entry_at(buffer, offset);
    *place = (struct directory_place){buffer, block, offset, entry->inode, entry->type, false};
}

static error_t find_in_block(struct inode *directory, uint32_t block, const char *name, uint32_t length,
                             struct directory_place *place) {
    struct filesystem *fs = directory->fs;
    struct buffer *buffer;
    error_t error = directory_block_get(directory, block, &buffer);
    if (error)
        return error;
    for (uint32_t offset = 0; offset < fs->block_size; offset += entry_at(buffer, offset)->length)
        if (entry_matches(entry_at(buffer, offset), name, length)) {
            place_set(place, buffer, block, offset);
            return ERR_OK;
        }
    return ERR_NOT_FOUND;
}

static error_t find_by_index(struct inode *directory, const struct name_index *index, const char *name, uint32_t length,
                             struct directory_place *place) {
    struct filesystem *fs = directory->fs;
    uint32_t hash = name_hash(fs, name, length), cursor = 0;
    uint64_t position;
    while ((position = name_index_next(index, hash, &cursor)) != NAME_INDEX_END) {
        uint32_t block = (uint32_t)(position >> fs->block_shift), offset = (uint32_t)position & (fs->block_size - 1);
        struct buffer *buffer;
        error_t error = directory_block_get(directory, block, &buffer);
        if (error)
            return error;
        if (entry_matches(entry_at(buffer, offset), name, length)) {
            place_set(place, buffer, block, offset);
            return ERR_OK;
        }
    }
    return ERR_NOT_FOUND;
}

error_t directory_find(struct inode *directory, const char *name, uint32_t length, struct directory_place *place) {
    uint32_t blocks = (uint32_t)(directory->size >> directory->fs->block_shift);
    if (length <= 2 && name[0] == '.' && (length == 1 || name[1] == '.'))
        return find_in_block(directory, 0, name, length, place);
    const struct name_index *index = name_index_use(directory);
    if (index)
        return find_by_index(directory, index, name, length, place);
    for (uint32_t block = 0; block < blocks; block++) {
        error_t error = find_in_block(directory, block, name, length, place);
        if (error != ERR_NOT_FOUND)
            return error;
    }
    return ERR_NOT_FOUND;
}

void directory_place_hold(struct directory_place *place) {
    place->buffer->pins++;
    place->held = true;
}

void directory_place_release(struct inode *directory, struct directory_place *place) {
    if (place->held)
        buffer_release(directory->fs, place->buffer);
    place->held = false;
}

// --- changing ---
uint8_t directory_type_of(const struct inode *node) {
    if (!(node->fs->feature_incompat & EXT2_INCOMPAT_FILETYPE))
        return 0;
    switch (node->mode & EXT2_MODE_TYPE) {
    case EXT2_MODE_REGULAR:
        return EXT2_TYPE_REGULAR;
    case EXT2_MODE_DIRECTORY:
        return EXT2_TYPE_DIRECTORY;
    case EXT2_MODE_CHARACTER:
        return EXT2_TYPE_CHARACTER;
    case EXT2_MODE_BLOCK:
        return EXT2_TYPE_BLOCK;
    case EXT2_MODE_FIFO:
        return EXT2_TYPE_FIFO;
    case EXT2_MODE_SOCKET:
        return EXT2_TYPE_SOCKET;
    case EXT2_MODE_SYMLINK:
        return EXT2_TYPE_SYMLINK;
    default:
        return EXT2_TYPE_UNKNOWN;
    }
}

static void entry_write(struct ext2_directory_entry *entry, const char *name, uint32_t length, const struct inode *node) {
    entry->inode = node->number;
    entry->name_length = (uint8_t)length;
    entry->type = directory_type_of(node);
    memcpy(entry->name, name, length);
}

static void directory_changed(struct inode *directory) {
    recent_names_forget(directory);
    if (directory->disk_flags & EXT2_FLAG_INDEX) {
        directory->disk_flags &= ~(uint32_t)EXT2_FLAG_INDEX;
        directory->flags |= INODE_UNINDEX;
    }
    inode_modified(directory);
}

// Puts the entry into a gap of the block; false if none is large enough (then *largest tells how large they
// are).
static bool insert_in_block(struct filesystem *fs, struct buffer *buffer, const char *name, uint32_t length,
                            const struct inode *node, uint32_t *place, uint32_t *largest) {
    uint32_t need = entry_bytes(length);
    *largest = 0;
    for (uint32_t offset = 0; offset < fs->block_size;) {
        struct ext2_directory_entry *entry = entry_at(buffer, offset);
        uint32_t used = entry->inode ? entry_bytes(entry->name_length) : 0;
        while (!entry->inode && offset + entry->length < fs->block_size && entry_at(buffer, offset + entry->length)->inode == 0)
            entry->length = (uint16_t)(entry->length + entry_at(buffer, offset + entry->length)->length);
        uint32_t gap = entry->length - used;
        if (gap >= need) {
            if (used) {
                struct ext2_directory_entry *next = entry_at(buffer, offset + used);
                next->length = (uint16_t)gap;
                entry->length = (uint16_t)used;
                entry = next;
            }
            entry_write(entry, name, length, node);
            *place = offset + used;
            return true;
        }
        if (gap > *largest)
            *largest = gap;
        offset += entry->length;
    }
    return false;
}

// ERR_AGAIN: no room in this block.
static error_t insert_try(struct transaction *transaction, struct inode *directory, uint32_t block, const char *name,
                          uint32_t length, const struct inode *node) {
    struct filesystem *fs = directory->fs;
    struct buffer *buffer;
    uint32_t offset, largest;
    error_t error = directory_block_get(directory, block, &buffer);
    if (error)
        return error;
    // Entries that the disk still needs must not be written over.
    if (buffer->tombstones || (buffer->block == fs->park_block && fs->parked_count))
        return ERR_AGAIN;
    bool done = insert_in_block(fs, buffer, name, length, node, &offset, &largest);
    if (done) {
        if (buffer->block == fs->park_block) {
            fs->park_block = 0;
            fs->park_searched = false;
        }
        buffer_dirty(transaction, buffer);
        name_index_add(directory, name_hash(fs, name, length), ((uint64_t)block << fs->block_shift) + offset);
        directory_changed(directory);
    } else {
        name_index_set_room(directory, block, largest);
    }
    return done ? ERR_OK : ERR_AGAIN;
}

static error_t insert_in_new_block(struct transaction *transaction, struct inode *directory, const char *name, uint32_t length,
                                   const struct inode *node) {
    struct filesystem *fs = directory->fs;
    uint32_t block = (uint32_t)(directory->size >> fs->block_shift), physical, count;
    struct buffer *buffer;
    bool made;
    if (directory->size + fs->block_size > 0x7FFFFFFF)
        return ERR_NO_SPACE;
    error_t error = map_allocate(transaction, directory, block, 1, &physical, &count, &made);
    if (error)
        return error;
    if (!made) {
        directory->flags |= INODE_DAMAGED;
        return filesystem_corrupt(fs, "ext2: directory inode %u: has a block behind its end", directory->number);
    }
    error = buffer_fresh(fs, physical, BUFFER_DIRECTORY, &buffer);
    if (error)
        return error;
    entry_at(buffer, 0)->length = (uint16_t)fs->block_size;
    entry_write(entry_at(buffer, 0), name, length, node);
    buffer->flags |= BUFFER_CHECKED;
    buffer_dirty(transaction, buffer);
    buffer_release(fs, buffer);
    directory->size += fs->block_size;
    directory_changed(directory);
    name_index_add(directory, name_hash(fs, name, length), (uint64_t)block << fs->block_shift);
    directory->insert_hint = block;
    return ERR_OK;
}

error_t directory_insert(struct transaction *transaction, struct inode *directory, const char *name, uint32_t length,
                         const struct inode *node, uint32_t prefer, uint32_t *at) {
    uint32_t blocks = (uint32_t)(directory->size >> directory->fs->block_shift), need = entry_bytes(length);
    error_t error;
    if (prefer != NO_INDEX) {
        error = insert_try(transaction, directory, prefer, name, length, node);
        *at = prefer;
        if (error != ERR_AGAIN)
            return error;
    }
    for (uint32_t block = directory->insert_hint; block < blocks; block++) {
        if (name_index_room(directory, block) < need)
            continue;
        error = insert_try(transaction, directory, block, name, length, node);
        *at = block;
        if (!error && !directory->index)
            directory->insert_hint = block; // without an index, gaps further up are not looked for again
        if (error != ERR_AGAIN)
            return error;
    }
    *at = blocks;
    return insert_in_new_block(transaction, directory, name, length, node);
}

void directory_remove(struct transaction *transaction, struct inode *directory, const struct directory_place *place,
                      const char *name, uint32_t length) {
    struct filesystem *fs = directory->fs;
    entry_at(place->buffer, place->offset)->inode = 0;
    buffer_dirty(transaction, place->buffer);
    name_index_remove(directory, name_hash(fs, name, length), ((uint64_t)place->block << fs->block_shift) + place->offset);
    name_index_set_room(directory, place->block, fs->block_size);
    recent_names_forget(directory);
    if (directory->insert_hint > place->block)
        directory->insert_hint = place->block;
    inode_modified(directory);
}

void directory_replace(struct transaction *transaction, struct inode *directory, const struct directory_place *place,
                       const struct inode *node) {
    struct ext2_directory_entry *entry = entry_at(place->buffer, place->offset);
    entry->inode = node->number;
    entry->type = directory_type_of(node);
    buffer_dirty(transaction, place->buffer);
    recent_names_forget(directory);
    inode_modified(directory);
}

bool directory_rename_in_place(struct transaction *transaction, struct inode *directory, const struct directory_place *place,
                               const char *old_name, uint32_t old_length, const char *name, uint32_t length) {
    struct filesystem *fs = directory->fs;
    struct ext2_directory_entry *entry = entry_at(place->buffer, place->offset);
    uint64_t position = ((uint64_t)place->block << fs->block_shift) + place->offset;
    if (entry_bytes(length) > entry->length)
        return false;
    entry->name_length = (uint8_t)length;
    memcpy(entry->name, name, length);
    buffer_dirty(transaction, place->buffer);
    name_index_remove(directory, name_hash(fs, old_name, old_length), position);
    name_index_add(directory, name_hash(fs, name, length), position);
    directory_changed(directory);
    return true;
}

error_t directory_is_empty(struct inode *directory, bool *empty) {
    struct filesystem *fs = directory->fs;
    *empty = true;
    for (uint32_t block = 0; block < directory->size >> fs->block_shift && *empty; block++) {
        struct buffer *buffer;
        error_t error = directory_block_get(directory, block, &buffer);
        if (error)
            return error;
        for (uint32_t offset = 0; offset < fs->block_size; offset += entry_at(buffer, offset)->length)
            if (entry_at(buffer, offset)->inode && !directory_entry_is_dots(entry_at(buffer, offset)))
                *empty = false;
    }
    return ERR_OK;
}

error_t directory_init(struct transaction *transaction, struct inode *directory, uint32_t parent) {
    struct filesystem *fs = directory->fs;
    uint32_t physical, count;
    struct buffer *buffer;
    bool made;
    error_t error = map_allocate(transaction, directory, 0, 1, &physical, &count, &made);
    if (!error)
        error = buffer_fresh(fs, physical, BUFFER_DIRECTORY, &buffer);
    if (error)
        return error;
    struct ext2_directory_entry *dot = entry_at(buffer, 0), *dots = entry_at(buffer, entry_bytes(1));
    entry_write(dot, ".", 1, directory);
    dot->length = (uint16_t)entry_bytes(1);
    entry_write(dots, "..", 2, directory);
    dots->inode = parent;
    dots->length = (uint16_t)(fs->block_size - entry_bytes(1));
    buffer->flags |= BUFFER_CHECKED;
    buffer_dirty(transaction, buffer);
    buffer_release(fs, buffer);
    directory->size = fs->block_size;
    return ERR_OK;
}

error_t directory_parent(struct inode *directory, uint32_t *number) {
    struct directory_place place;
    error_t error = find_in_block(directory, 0, "..", 2, &place);
    if (!error)
        *number = place.number;
    return error;
}

error_t directory_set_parent(struct transaction *transaction, struct inode *directory, uint32_t number) {
    struct directory_place place;
    error_t error = find_in_block(directory, 0, "..", 2, &place);
    if (error)
        return error;
    entry_at(place.buffer, place.offset)->inode = number;
    buffer_dirty(transaction, place.buffer);
    return ERR_OK;
}
