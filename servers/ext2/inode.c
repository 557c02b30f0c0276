// The inode cache. Invariants: at most one structure per inode number is in the hash; it stays while it is
// referenced, dirty, or waits as INODE_LOST for the commit; otherwise eviction may take it. Called by
// everything above blocks.
#include "servers/ext2/inode.h"

#include <stdlib.h>
#include <string.h>

#include "libipc/include/pages.h"
#include "servers/ext2/allocate.h"
#include "servers/ext2/buffer.h"
#include "servers/ext2/inode_format.h"
#include "servers/ext2/map.h"
#include "servers/ext2/message.h"
#include "servers/ext2/name_index.h"
#include "servers/ext2/page.h"
#include "servers/ext2/recent_names.h"
#include "servers/ext2/transaction.h"

enum { TABLE_AHEAD_BLOCKS = 8, EVICT_TRIES = 32 };

error_t inode_cache_make(struct filesystem *fs, uint64_t cache_bytes) {
    uint32_t hash = 256;
    uint64_t limit = cache_bytes / 2048;
    fs->inode_limit = limit < 128 ? 128 : limit > 65536 ? 65536 : (uint32_t)limit;
    while (hash < fs->inode_limit)
        hash *= 2;
    fs->inode_hash = calloc(hash, sizeof *fs->inode_hash);
    fs->inode_hash_mask = hash - 1;
    pages_touch(fs->inode_hash, hash * sizeof *fs->inode_hash);
    fs->index_limit = cache_bytes / 16 < 65536 ? 65536 : cache_bytes / 16;
    return fs->inode_hash ? recent_names_make(fs, cache_bytes) : ERR_NO_MEMORY;
}

// Structures lie in chunks: so they begin where a line does, and one that was freed is taken again without a look at the heap.
enum { CHUNK_INODES = (PAGE_BYTES - KEPT_LINE_BYTES) / sizeof(struct inode) };
struct inode_chunk {
    struct inode_chunk *next;
    struct inode inodes[CHUNK_INODES];
};
_Static_assert(sizeof(struct inode_chunk) <= PAGE_BYTES, "a page");

static void structure_give_back(struct filesystem *fs, struct inode *inode) {
    inode->flags = INODE_SPARE;
    inode->dirty_next = fs->spare_inodes;
    fs->spare_inodes = inode;
    fs->spared_in = kept_commits();
}

static bool structures_add(struct filesystem *fs) {
    struct inode_chunk *chunk = aligned_alloc(_Alignof(struct inode_chunk), sizeof *chunk);
    if (!chunk)
        return false;
    chunk->next = fs->inode_chunks;
    fs->inode_chunks = chunk;
    for (uint32_t i = 0; i < CHUNK_INODES; i++)
        structure_give_back(fs, &chunk->inodes[i]);
    return true;
}

// Zeroed, or NULL.
static struct inode *structure_take(struct filesystem *fs) {
    if (!fs->spare_inodes && !structures_add(fs))
        return NULL;
    struct inode *inode = fs->spare_inodes;
    fs->spare_inodes = inode->dirty_next;
    inode->flags = 0; // the line with these two is noted; the rest means nothing if this is taken back,
    if (fs->spared_in == kept_commits()) {
        memset(inode, 0, sizeof *inode); // unless it was given back since the last commit
    } else {
        kept_fresh(inode, sizeof *inode);
        kept_set_unnoted(inode, 0, sizeof *inode);
    }
    return inode;
}

void inode_cache_free(struct filesystem *fs) {
    for (uint32_t i = 0; fs->inode_hash && i <= fs->inode_hash_mask; i++)
        while (fs->inode_hash[i]) {
            struct inode *inode = fs->inode_hash[i];
            platform_breathe();
            page_drop_from(inode, 0);
            inode_structure_free(inode);
        }
    while (fs->inode_chunks) {
        struct inode_chunk *chunk = fs->inode_chunks;
        fs->inode_chunks = chunk->next;
        free(chunk);
    }
    fs->spare_inodes = NULL;
    fs->evict_chunk = NULL;
    free(fs->inode_hash);
    fs->inode_hash = NULL;
    free(fs->names);
    fs->names = NULL;
}

struct file_time time_now(void) {
    uint64_t now = platform_wall_time();
    return (struct file_time){.seconds = (int64_t)(now / 1000000000), .nanoseconds = (uint32_t)(now % 1000000000)};
}

// Field by field: where stores are noted, a struct is copied by a call.
static void time_set(struct file_time *to, struct file_time time) {
    to->seconds = time.seconds;
    to->nanoseconds = time.nanoseconds;
}

static struct inode **inode_bucket(struct filesystem *fs, uint32_t number) {
    return &fs->inode_hash[hash_u32(number) & fs->inode_hash_mask];
}

struct inode *inode_find(struct filesystem *fs, uint32_t number) {
    struct inode *inode = *inode_bucket(fs, number);
    while (inode && inode->number != number)
        inode = inode->hash_next;
    return inode;
}

struct inode *inode_at_hand(struct filesystem *fs, uint32_t number) {
    struct inode *inode = inode_find(fs, number);
    bool is_ready = inode && !(inode->flags & (INODE_DELETING | INODE_LOST | INODE_LOADING)) && inode->mode;
    return is_ready ? inode : NULL;
}

uint32_t inode_table_block(const struct filesystem *fs, uint32_t number) {
    uint32_t group = (number - 1) / fs->inodes_per_group, at = (number - 1) % fs->inodes_per_group;
    return fs->groups[group].inode_table + at / fs->inodes_per_block;
}

struct ext2_inode *inode_raw(const struct filesystem *fs, const struct buffer *buffer, uint32_t number) {
    uint32_t at = (number - 1) % fs->inodes_per_group % fs->inodes_per_block;
    return (struct ext2_inode *)(void *)(buffer->data + (size_t)at * fs->inode_size);
}

bool inode_is_fast_symlink(const struct inode *inode) {
    uint32_t attributes = inode->attribute_block ? inode->fs->sectors_per_block : 0;
    return inode_is_symlink(inode) && inode->sectors == attributes;
}

void inode_structure_free(struct inode *inode) {
    struct filesystem *fs = inode->fs;
    struct inode **link = inode_bucket(fs, inode->number);
    while (*link && *link != inode)
        link = &(*link)->hash_next;
    if (*link)
        *link = inode->hash_next;
    inode_mark_clean(inode);
    name_index_drop(inode);
    windows_drop(inode);
    fs->inode_count--;
    structure_give_back(fs, inode);
}

// The next one round the chunks.
static struct inode *evict_next(struct filesystem *fs) {
    if (!fs->evict_chunk || fs->evict_next == CHUNK_INODES) {
        fs->evict_chunk = fs->evict_chunk && fs->evict_chunk->next ? fs->evict_chunk->next : fs->inode_chunks;
        fs->evict_next = 0;
    }
    return &fs->evict_chunk->inodes[fs->evict_next++];
}

// Makes room for one more structure, as far as that is possible without waiting. Who was used since the last time stays (CLOCK):
// to hold and release an inode touches nothing but the inode.
static void inode_evict(struct filesystem *fs) {
    const uint32_t in_use =
        INODE_DIRTY | INODE_LOADING | INODE_DELETING | INODE_LOST | INODE_RECENT | INODE_SPARE; // whose structure is to stay
    for (uint32_t tries = 0; tries < EVICT_TRIES && fs->inode_count >= fs->inode_limit; tries++) {
        struct inode *inode = evict_next(fs);
        if (!inode->references && !(inode->flags & in_use) && core_lock_idle(&inode->lock) && page_drop_all_now(inode))
            inode_structure_free(inode);
        else if (inode->flags & INODE_RECENT)
            inode->flags &= (uint16_t)~INODE_RECENT;
    }
}

static struct inode *inode_structure_make(struct filesystem *fs, uint32_t number) {
    if (fs->inode_count >= fs->inode_limit)
        inode_evict(fs);
    struct inode *inode = structure_take(fs);
    if (!inode)
        return NULL;
    inode->fs = fs;
    inode->number = number;
    inode->references = 1;
    inode->pages = NO_INDEX;
    struct inode **bucket = inode_bucket(fs, number);
    inode->hash_next = *bucket;
    *bucket = inode;
    fs->inode_count++;
    return inode;
}

static error_t inode_load(struct inode *inode) {
    struct filesystem *fs = inode->fs;
    struct buffer *buffer;
    uint32_t block = inode_table_block(fs, inode->number);
    if (!buffer_find(fs, block)) {
        const struct group *group = &fs->groups[(inode->number - 1) / fs->inodes_per_group];
        uint32_t start = (block - group->inode_table) / TABLE_AHEAD_BLOCKS * TABLE_AHEAD_BLOCKS;
        buffer_prefetch(fs, group->inode_table + start, minimum_u32(TABLE_AHEAD_BLOCKS, fs->table_blocks - start), BUFFER_INODES);
    }
    error_t error = buffer_look(fs, block, BUFFER_INODES, &buffer);
    return error ? error : inode_decode(inode, inode_raw(fs, buffer, inode->number));
}

error_t inode_get(struct filesystem *fs, uint32_t number, struct inode **result) {
    if (number == 0 || number > fs->inodes_count || (number < fs->first_inode && number != EXT2_ROOT_INODE))
        return filesystem_corrupt(fs, "ext2: inode %u can't be a file's", number);
    struct inode *inode = inode_find(fs, number);
    if (inode) {
        if (inode->flags & (INODE_DELETING | INODE_LOST))
            return ERR_STALE;
        inode_hold(inode);
        while (inode->flags & INODE_LOADING)
            platform_queue_wait(&fs->inode_queue);
        if (inode->mode == 0) { // loading failed
            if (--inode->references == 0)
                inode_structure_free(inode);
            return ERR_CORRUPT;
        }
        *result = inode;
        return ERR_OK;
    }
    inode = inode_structure_make(fs, number);
    if (!inode)
        return ERR_NO_MEMORY;
    inode->flags |= INODE_LOADING;
    error_t error = inode_load(inode);
    inode->flags &= (uint16_t)~INODE_LOADING;
    platform_queue_wake_all(&fs->inode_queue);
    if (error) {
        inode->mode = 0;
        if (--inode->references == 0)
            inode_structure_free(inode);
        return error;
    }
    *result = inode;
    return ERR_OK;
}

error_t inode_make(struct transaction *transaction, struct inode *parent, uint16_t mode, const struct node_creation *creation,
                   struct inode **result) {
    struct filesystem *fs = transaction->fs;
    bool directory = (mode & EXT2_MODE_TYPE) == EXT2_MODE_DIRECTORY;
    uint32_t number;
    error_t error = inode_number_allocate(transaction, parent, directory, &number);
    if (error)
        return error;
    struct inode *stale = inode_find(fs, number);
    struct inode *inode = stale ? NULL : inode_structure_make(fs, number);
    if (!inode) {
        inode_number_free(transaction, number, directory, false);
        return stale ? filesystem_corrupt(fs, "ext2: inode %u is in use, but marked free", number) : ERR_NO_MEMORY;
    }
    core_lock_exclusive(&inode->lock); // free: nobody else knows it
    inode->mode = mode;
    inode->uid = creation->uid;
    inode->gid = creation->gid;
    if (parent->mode & 02000) { // set-group-id directories hand their group on
        inode->gid = parent->gid;
        if (directory)
            inode->mode |= 02000;
    }
    inode->extra_size = (uint16_t)fs->extra_size;
    struct file_time now = time_now();
    time_set(&inode->access, now);
    time_set(&inode->modify, now);
    time_set(&inode->change, now);
    time_set(&inode->creation, now);
    inode->generation = hash_u32(hash_u32(fs->hash_seed + number) ^ now.nanoseconds ^ (uint32_t)now.seconds);
    inode->flags |= INODE_NEW | INODE_BLANK | INODE_GAINED;
    inode_mark_dirty(inode);
    *result = inode;
    return ERR_OK;
}

void inode_mark_dirty(struct inode *inode) {
    struct filesystem *fs = inode->fs;
    inode->flags |= INODE_TOUCHED;
    if (inode->flags & INODE_DIRTY || fs->read_only)
        return;
    inode->flags |= INODE_DIRTY;
    inode->dirty_next = NULL;
    inode->dirty_previous = fs->dirty_inode_last;
    if (fs->dirty_inode_last)
        fs->dirty_inode_last->dirty_next = inode;
    else
        fs->dirty_inode_first = inode;
    fs->dirty_inode_last = inode;
    fs->dirty_inodes++;
}

void inode_modified(struct inode *inode) {
    struct file_time now = time_now();
    time_set(&inode->modify, now);
    time_set(&inode->change, now);
    inode_mark_dirty(inode);
}

void inode_mark_clean(struct inode *inode) {
    struct filesystem *fs = inode->fs;
    if (!(inode->flags & INODE_DIRTY))
        return;
    inode->flags &= (uint16_t)~INODE_DIRTY;
    bool is_first = fs->dirty_inode_first == inode;
    if (is_first)
        fs->dirty_inode_first = inode->dirty_next;
    else
        inode->dirty_previous->dirty_next = inode->dirty_next;
    if (!inode->dirty_next)
        fs->dirty_inode_last = is_first ? NULL : inode->dirty_previous;
    else if (!is_first)
        inode->dirty_next->dirty_previous = inode->dirty_previous;
    fs->dirty_inodes--;
}

void inode_link_lost(struct inode *inode) {
    time_set(&inode->change, time_now());
    if (inode->links)
        inode->links--;
    inode_mark_dirty(inode);
}

// The attribute block may be shared between inodes: the last one to go frees it.
static error_t attributes_free(struct transaction *transaction, struct inode *inode) {
    struct filesystem *fs = inode->fs;
    struct buffer *buffer;
    uint32_t block = inode->attribute_block;
    if (!block)
        return ERR_OK;
    inode->attribute_block = 0;
    if (!map_block_usable(fs, block))
        return filesystem_corrupt(fs, "ext2: inode %u: attributes in block %u", inode->number, block);
    error_t error = buffer_read(fs, block, BUFFER_CONTENT, &buffer);
    if (error)
        return error;
    struct ext2_attribute_header *header = (struct ext2_attribute_header *)(void *)buffer->data;
    if (header->magic != EXT2_XATTR_MAGIC || header->references == 0) {
        error = filesystem_corrupt(fs, "ext2: inode %u: block %u holds no attributes", inode->number, block);
        buffer_release(fs, buffer);
    } else if (header->references > 1) {
        header->references--;
        buffer_dirty(transaction, buffer);
        buffer_release(fs, buffer);
    } else {
        buffer_release(fs, buffer);
        error = blocks_free(transaction, inode, block, 1);
        buffer_forget(fs, block);
    }
    return error;
}

static error_t inode_free_content(struct inode *inode) {
    struct filesystem *fs = inode->fs;
    struct transaction transaction;
    bool has_blocks =
        inode_is_regular(inode) || inode_is_directory(inode) || (inode_is_symlink(inode) && !inode_is_fast_symlink(inode));
    error_t error = transaction_begin(fs, TRUNCATE_CREDITS, &transaction);
    if (error)
        return error;
    KEPT_SET(inode->size, 0);
    error = attributes_free(&transaction, inode);
    if (has_blocks && !error)
        error = map_truncate(&transaction, inode, 0);
    if (!error) {
        if (!has_blocks) // a target, or the numbers of a device
            memset(inode->block, 0, sizeof inode->block);
        KEPT_SET(inode->sectors, 0);
        inode_number_free(&transaction, inode->number, inode_is_directory(inode), !(inode->flags & INODE_NEW));
        if (inode->flags & INODE_NEW) // the disk never knew it
            inode_mark_clean(inode);
        else
            inode_mark_dirty(inode);
    }
    transaction_end(&transaction);
    return error;
}

// No reference and no link is left.
static void inode_delete(struct inode *inode) {
    struct filesystem *fs = inode->fs;
    inode->flags |= INODE_DELETING;
    page_drop_from(inode, 0);
    name_index_drop(inode);
    if (fs->read_only || inode_free_content(inode) != ERR_OK)
        message_log(fs, PLATFORM_LOG_WARNING, "ext2: inode %u: could not be freed; e2fsck will do it", inode->number);
    inode->flags = (uint16_t)((inode->flags & ~INODE_DELETING) | INODE_LOST);
    if (!(inode->flags & INODE_DIRTY))
        inode_structure_free(inode);
}

void inode_hold(struct inode *inode) {
    inode->references++;
}

void inode_drop(struct inode *inode) {
    if (--inode->references)
        return;
    if (inode->links == 0) {
        inode_delete(inode);
    } else {
        windows_drop(inode);
        inode->flags |= INODE_RECENT;
    }
}
