// Content of regular files: a two-level table of page numbers, holes where there is none. Bytes move between
// the caller's lent buffer and the unmapped pages directly, runs of neighbouring pages at once.
#include <stdlib.h>
#include <string.h>

#include "libipc/protocols/memory.h"
#include "servers/tmpfs/state.h"

static const unsigned char zeros[PAGE_BYTES];

static page_t page_get(const struct tmp_node *node, uint64_t index) {
    const struct tmp_content *content = &node->content;
    uint64_t leaf = index / LEAF_PAGES;
    return leaf < content->leaf_count && content->leaves[leaf] != NULL ? content->leaves[leaf][index % LEAF_PAGES] : 0;
}

static error_t leaf_get(struct tmp_content *content, uint64_t leaf, page_t **result) {
    if (leaf >= LEAVES_MAX)
        return ERR_FILE_TOO_LARGE;
    if (leaf >= content->leaf_count) {
        uint32_t count = (uint32_t)leaf + 1;
        page_t **larger = realloc(content->leaves, count * sizeof(*larger));
        if (larger == NULL)
            return ERR_NO_SPACE;
        memset(larger + content->leaf_count, 0, (count - content->leaf_count) * sizeof(*larger));
        content->leaves = larger;
        content->leaf_count = count;
    }
    if (content->leaves[leaf] == NULL)
        content->leaves[leaf] = calloc(LEAF_PAGES, sizeof(page_t));
    *result = content->leaves[leaf];
    return *result != NULL ? ERR_OK : ERR_NO_SPACE;
}

static error_t page_make(struct tmp_node *node, uint64_t index, page_t *page) {
    *page = page_get(node, index);
    if (*page != 0)
        return ERR_OK;
    if (node->tree->page_count >= node->tree->page_limit)
        return ERR_NO_SPACE;
    page_t *leaf;
    error_t error = leaf_get(&node->content, index / LEAF_PAGES, &leaf);
    if (error == ERR_OK)
        error = page_take(index > 0 ? page_get(node, index - 1) : 0, page);
    if (error != ERR_OK)
        return error;
    leaf[index % LEAF_PAGES] = *page;
    node->content.page_count++;
    node->tree->page_count++;
    return ERR_OK;
}

static void page_drop(struct tmp_node *node, uint64_t index) {
    page_t page = page_get(node, index);
    if (page == 0)
        return;
    page_free(page);
    node->content.leaves[index / LEAF_PAGES][index % LEAF_PAGES] = 0;
    node->content.page_count--;
    node->tree->page_count--;
}

// Bytes from `position` on, at most `length`, that lie in one run of neighbouring pages of one slab, or in
// one hole page.
static uint64_t run_length(const struct tmp_node *node, uint64_t position, uint64_t length) {
    uint64_t index = position / PAGE_BYTES, run = PAGE_BYTES - position % PAGE_BYTES;
    page_t page = page_get(node, index);
    while (page != 0 && run < length && page % SLAB_PAGES != 0 && page_get(node, index + 1) == page + 1) {
        page++;
        index++;
        run += PAGE_BYTES;
    }
    return run < length ? run : length;
}

error_t content_read(struct tmp_node *node, struct request *request, uint64_t position, uint64_t length, uint64_t *count) {
    uint64_t done = 0;
    if (position >= node->size)
        length = 0;
    else if (length > node->size - position)
        length = node->size - position;
    error_t error = ERR_OK;
    while (done < length) {
        uint64_t at = position + done, run = run_length(node, at, length - done);
        page_t page = page_get(node, at / PAGE_BYTES);
        if (page == 0) {
            error = request_copy_out(request, done, zeros, run);
        } else {
            cap_t memory;
            uint64_t offset;
            page_locate(page, &memory, &offset);
            error = request_copy_out_memory(request, done, memory, offset + at % PAGE_BYTES, run);
        }
        if (error != ERR_OK)
            break;
        done += run;
    }
    *count = done;
    return done != 0 ? ERR_OK : error;
}

// Makes the pages of a range; *length becomes what could be had.
static error_t pages_make(struct tmp_node *node, uint64_t position, uint64_t *length) {
    uint64_t end = position + *length;
    for (uint64_t at = position; at < end; at = (at / PAGE_BYTES + 1) * PAGE_BYTES) {
        page_t page;
        error_t error = page_make(node, at / PAGE_BYTES, &page);
        if (error != ERR_OK) {
            *length = at - position;
            return at != position ? ERR_OK : error;
        }
    }
    return ERR_OK;
}

// The copy broke off somewhere in the run: what it may have left behind the file's end goes.
static void run_clean(struct tmp_node *node, uint64_t position, uint64_t run, cap_t memory, uint64_t offset) {
    uint64_t keep = node->size > position ? node->size - position : 0;
    if (keep >= run)
        return;
    error_t ignored = memory_zero(memory, offset + keep, run - keep);
    (void)ignored;
}

error_t content_write(struct tmp_node *node, struct request *request, uint64_t position, uint64_t length, uint64_t *count) {
    uint64_t done = 0;
    *count = 0;
    if (position > (uint64_t)LEAVES_MAX * LEAF_PAGES * PAGE_BYTES - length)
        return ERR_FILE_TOO_LARGE;
    error_t error = pages_make(node, position, &length);
    while (error == ERR_OK && done < length) {
        uint64_t at = position + done, run = run_length(node, at, length - done), offset;
        cap_t memory;
        page_locate(page_get(node, at / PAGE_BYTES), &memory, &offset);
        offset += at % PAGE_BYTES;
        error = request_copy_in_memory(request, done, memory, offset, run);
        if (error != ERR_OK)
            run_clean(node, at, run, memory, offset);
        else
            done += run;
    }
    if (position + done > node->size && done != 0)
        node->size = position + done;
    *count = done;
    return done != 0 ? ERR_OK : error;
}

error_t content_truncate(struct tmp_node *node, uint64_t size) {
    if (size > (uint64_t)LEAVES_MAX * LEAF_PAGES * PAGE_BYTES)
        return ERR_FILE_TOO_LARGE;
    if (size < node->size) {
        uint64_t first = (size + PAGE_BYTES - 1) / PAGE_BYTES;
        uint64_t end = (uint64_t)node->content.leaf_count * LEAF_PAGES;
        for (uint64_t index = first; index < end && node->content.page_count != 0; index++)
            page_drop(node, index);
        page_t last = size % PAGE_BYTES != 0 ? page_get(node, size / PAGE_BYTES) : 0;
        if (last != 0) {
            cap_t memory;
            uint64_t offset;
            page_locate(last, &memory, &offset);
            error_t error = memory_zero(memory, offset + size % PAGE_BYTES, PAGE_BYTES - size % PAGE_BYTES);
            if (error != ERR_OK)
                return error;
        }
    }
    node->size = size;
    return ERR_OK;
}

void content_free(struct tmp_node *node) {
    uint64_t end = (uint64_t)node->content.leaf_count * LEAF_PAGES;
    for (uint64_t index = 0; index < end && node->content.page_count != 0; index++)
        page_drop(node, index);
    for (uint32_t leaf = 0; leaf < node->content.leaf_count; leaf++)
        free(node->content.leaves[leaf]);
    free(node->content.leaves);
}

uint64_t content_seek(const struct tmp_node *node, uint64_t position, bool data) {
    while (position < node->size && (page_get(node, position / PAGE_BYTES) != 0) != data)
        position = (position / PAGE_BYTES + 1) * PAGE_BYTES;
    return position < node->size ? position : node->size;
}

error_t content_restore(struct tmp_node *node, uint64_t leaf, const page_t *pages) {
    page_t *restored;
    error_t error = leaf_get(&node->content, leaf, &restored);
    if (error != ERR_OK)
        return error;
    for (uint32_t i = 0; i < LEAF_PAGES; i++) {
        restored[i] = pages[i];
        node->content.page_count += pages[i] != 0;
        node->tree->page_count += pages[i] != 0;
    }
    return ERR_OK;
}
