// The mount table as text in shared memory: the server of /proc is below vfs and can't ask. Readers copy it
// and look at the version before and after, so nobody waits for anybody.
#include <stdio.h>
#include <string.h>

#include "kernel/abi/capability.h"
#include "libipc/client/slot.h"
#include "libipc/protocols/account.h"
#include "libipc/protocols/filesystem.h"
#include "libipc/protocols/process.h"
#include "libipc/server/handover.h"
#include "servers/vfs/state.h"

enum { PICTURE_BYTES = 16 * 1024, TEXT_BYTES = PICTURE_BYTES - sizeof(struct mount_picture) };

static cap_t memory, readable; // the same object, with and without the right to write
static volatile struct mount_picture *picture;

void picture_slots(uint64_t *writable, uint64_t *shown) {
    *writable = memory;
    *shown = readable;
}

// The text in it stays as it is: the mounts are the same.
void picture_take(uint64_t writable, uint64_t shown) {
    uint64_t address;
    handover_claim((cap_t)writable);
    handover_claim((cap_t)shown);
    if (process_map(SLOT_SELF, 0, PICTURE_BYTES, 0, MAP_FLAG_READ | MAP_FLAG_WRITE, (cap_t)writable, &address) != ERR_OK)
        return;
    memory = (cap_t)writable;
    readable = (cap_t)shown;
    picture = (volatile struct mount_picture *)(uintptr_t)address; // NOLINT(performance-no-int-to-ptr)
}

static bool picture_make(void) {
    uint64_t address;
    if (picture != NULL)
        return true;
    if (account_create_memory(SLOT_ACCOUNT, PICTURE_BYTES, &memory) != ERR_OK)
        return false;
    if (slot_duplicate(memory, RIGHT_READ | RIGHT_COPY, &readable) != ERR_OK ||
        process_map(SLOT_SELF, 0, PICTURE_BYTES, 0, MAP_FLAG_READ | MAP_FLAG_WRITE, memory, &address) != ERR_OK) {
        slot_release(readable);
        slot_release(memory);
        return false;
    }
    picture = (volatile struct mount_picture *)(uintptr_t)address;
    return true;
}

// A blank or backslash is written as three octal digits, see docs/proc.md.
static size_t escape(char *to, const char *text, size_t length) {
    size_t used = 0;
    for (size_t i = 0; i < length && text[i] != '\0'; i++) {
        unsigned char byte = (unsigned char)text[i];
        if (byte <= ' ' || byte == '\\')
            used += (size_t)sprintf(to + used, "\\%03o", byte);
        else
            to[used++] = (char)byte;
    }
    return used;
}

// False: no room. A line is less than 4 times source and name, and some.
static bool line_add(char *text, size_t *used, const struct mount *mount) {
    char line[4 * (MOUNT_SOURCE_BYTES + MOUNT_NAME_BYTES + MOUNT_TYPE_BYTES) + 32];
    size_t length = mount->source[0] != '\0' ? escape(line, mount->source, sizeof(mount->source)) : 0;
    if (length == 0)
        line[length++] = '-';
    line[length++] = ' ';
    length += escape(line + length, mount->name, mount->name_length);
    line[length++] = ' ';
    length += escape(line + length, mount->type, sizeof(mount->type));
    const char *access = (mount->flags & MOUNT_FLAG_READ_ONLY) != 0 ? " ro\n" : " rw\n";
    memcpy(line + length, access, 4);
    length += 4;
    if (length > TEXT_BYTES - *used)
        return false;
    memcpy(text + *used, line, length);
    *used += length;
    return true;
}

void picture_draw(void) {
    if (!picture_make())
        return;
    char *text = (char *)(uintptr_t)(picture + 1);
    size_t used = 0;
    picture->version++;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    for (const struct mount *mount = vfs.mounts; mount != NULL; mount = mount->next)
        if (mount->top == vfs.root.mount && !line_add(text, &used, mount))
            break;
    picture->length = used;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    picture->version++;
}

void picture_show(cap_t filesystem) {
    if (picture == NULL)
        return;
    error_t ignored = filesystem_show_mounts(filesystem, readable); // most do not want it
    (void)ignored;
}
