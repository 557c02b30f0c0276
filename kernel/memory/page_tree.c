// Walking, growing and freeing; see page_tree.h.
#include "kernel/memory/page_tree.h"

#include "kernel/cap/account.h"
#include "kernel/memory/frame.h"

error_t page_tree_grow(uint64_t *root, uint32_t levels, uint64_t index, uint64_t flags, struct account *account,
                       uint64_t **entry) {
    while (page_tree_find(root, levels, 0, index, entry) > 0) {
        uint64_t physical;
        error_t error = account_take_frame(account, &physical);
        if (error)
            return error;
        **entry = physical | flags;
    }
    return ERR_OK;
}

bool page_tree_free(uint64_t *root, uint32_t levels, uint64_t *cursor, uint64_t end, bool leaves, uint32_t steps,
                    uint64_t *freed) {
    for (; *root; steps--) {
        if (steps == 0)
            return false;
        uint64_t *slots[PAGE_TREE_LEVELS + 1] = {0}, *slot;
        uint32_t level = levels;
        for (slots[level] = slot = root; level > !leaves && *slot; level--)
            slots[level - 1] = slot = page_tree_below(*slot, level, *cursor);
        uint64_t reach =
            UINT64_C(1) << (PAGE_TREE_SHIFT * level); // of a leaf, of a page of leaves that stay, or of what is not there
        uint64_t next = (*cursor & ~(reach - 1)) + reach, last = (*cursor | ((reach << PAGE_TREE_SHIFT) - 1)) + 1;
        for (last = last < end ? last : end; next < last && !*++slot;) // past the empty entries behind it in the same page
            next += reach;
        *cursor = next;
        for (; level <= levels; level++) {
            if (*slots[level])
                frame_release(*slots[level] & PAGE_TREE_ADDRESS), ++*freed;
            *slots[level] = 0;
            if (*cursor < end && *cursor % (UINT64_C(1) << (PAGE_TREE_SHIFT * (level + 1))) != 0)
                break;
        }
    }
    return true;
}
