// In front of two functions of ext2, for a build of it that fails when somebody asks for a file of a certain
// name: once, or each time.
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "servers/ext2/filesystem.h"

error_t __real_node_lookup(struct inode *directory, const char *name, uint32_t length, struct inode **result);
error_t __wrap_node_lookup(struct inode *directory, const char *name, uint32_t length, struct inode **result);

static bool is_name(const char *wanted, const char *name, uint32_t length) {
    return length == strlen(wanted) && memcmp(name, wanted, length) == 0;
}

error_t __wrap_node_lookup(struct inode *directory, const char *name, uint32_t length, struct inode **result) {
    if (is_name("poison", name, length))
        *(volatile int *)8 = 1; // NOLINT(performance-no-int-to-ptr): it is to fault
    if (is_name("mire", name, length))
        for (volatile uint32_t turn = 0;; turn++) {
        }
    return __real_node_lookup(directory, name, length, result);
}
