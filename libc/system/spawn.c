// Making a process. The child's descriptors and working directory are worked out on copies, in the order of the file actions,
// so nothing of the parent changes; then the child gets them as capabilities, with a startup block that names them.
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/abi/capability.h"
#include "libc/internal/system.h"
#include "libc/system/executable.h"
#include "libc/system/grant.h"
#include "libc/system/layer.h"
#include "libipc/client/slot.h"
#include "libipc/include/startup.h"
#include "libipc/protocols/account.h"
#include "libipc/protocols/directory.h"
#include "libipc/protocols/memory.h"
#include "libipc/protocols/process.h"
#include "libipc/protocols/task.h"
#include "libipc/start/start.h"

enum { PAGE = 4096, STACK_BYTES = 512 << 10, NAME_BYTES = 512 };

// What the child will hold. Slots in `owned` are the child's alone and are released afterwards.
struct child {
    struct descriptor *descriptors;
    bool *owned;
    int count;
    cap_t directory;
    bool directory_owned;
    cap_t process, task, account;
    uint64_t id;
    uint32_t ignored; // signals
};

static void drop(struct child *child, int fd) {
    if (child->owned[fd])
        slot_release(child->descriptors[fd].file);
    child->descriptors[fd].file = 0;
    child->owned[fd] = false;
}

static error_t copy_descriptors(struct child *child, const struct spawn_request *request) {
    child->count = descriptor_limit();
    for (size_t i = 0; i < request->action_count; i++) {
        const struct __spawn_action *action = &request->actions[i];
        int highest = action->kind == SPAWN_ACTION_DUP2 ? action->new_fd : action->fd;
        if (highest >= DESCRIPTORS_MAX)
            return ERR_BAD_DESCRIPTOR;
        if (highest >= child->count)
            child->count = highest + 1;
    }
    child->descriptors = calloc((size_t)child->count + 1, sizeof(struct descriptor));
    child->owned = calloc((size_t)child->count + 1, sizeof(bool));
    if (!child->descriptors || !child->owned)
        return ERR_NO_MEMORY;
    for (int fd = 0; fd < child->count; fd++) {
        const struct descriptor *own = descriptor_at(fd);
        if (own)
            child->descriptors[fd] = *own;
    }
    child->directory = layer_directory;
    return ERR_OK;
}

// Opens with the child's working directory.
static error_t open_for(struct child *child, const struct __spawn_action *action) {
    int fd;
    cap_t own = layer_directory;
    layer_directory = child->directory;
    error_t error = system_open(AT_FDCWD, action->path, action->flags, action->mode, &fd);
    layer_directory = own;
    if (error)
        return error;
    drop(child, action->fd);
    struct descriptor *opened = descriptor_at(fd);
    child->descriptors[action->fd] = *opened;
    child->owned[action->fd] = true;
    opened->file = 0; // the child's now
    return ERR_OK;
}

static error_t change_directory_for(struct child *child, const struct __spawn_action *action) {
    cap_t own = layer_directory, start;
    error_t error = slot_duplicate(child->directory, 0, &start);
    if (error)
        return error;
    layer_directory = start;
    error = action->kind == SPAWN_ACTION_CHDIR ? system_change_directory(AT_FDCWD, action->path)
                                               : system_change_directory(action->fd, "");
    if (child->directory_owned)
        slot_release(child->directory);
    child->directory = layer_directory; // changed, or still the copy
    child->directory_owned = true;
    layer_directory = own;
    return error;
}

static error_t run_action(struct child *child, const struct __spawn_action *action) {
    switch (action->kind) {
    case SPAWN_ACTION_OPEN:
        return open_for(child, action);
    case SPAWN_ACTION_CLOSE:
        if (action->fd >= 0 && action->fd < child->count)
            drop(child, action->fd);
        return ERR_OK;
    case SPAWN_ACTION_DUP2:
        if (action->fd < 0 || action->fd >= child->count || !child->descriptors[action->fd].file || action->new_fd < 0)
            return ERR_BAD_DESCRIPTOR;
        if (action->new_fd == action->fd) {
            child->descriptors[action->fd].flags &= ~(uint32_t)DESCRIPTOR_CLOSE_ON_SPAWN;
            return ERR_OK;
        }
        drop(child, action->new_fd);
        child->descriptors[action->new_fd] = child->descriptors[action->fd];
        child->descriptors[action->new_fd].flags &= ~(uint32_t)DESCRIPTOR_CLOSE_ON_SPAWN;
        // The copy may outlive the original, which a later action can close.
        child->owned[action->new_fd] = true;
        return slot_duplicate(child->descriptors[action->fd].file, 0, &child->descriptors[action->new_fd].file);
    default:
        return change_directory_for(child, action);
    }
}

// Lists and installs the child's capabilities: names that are this layer's own, descriptors, and all else that was inherited.
struct listing {
    struct child *child;
    struct startup_capability *entries;
    uint32_t count, room;
    error_t error;
};

static void list(struct listing *listing, const char *name, cap_t capability, uint32_t value) {
    if (!capability || listing->error)
        return;
    if (listing->count == listing->room) {
        listing->error = ERR_TOO_MANY_FILES;
        return;
    }
    struct startup_capability *entry = &listing->entries[listing->count];
    memset(entry, 0, sizeof(*entry));
    strncpy(entry->name, name, STARTUP_NAME_BYTES - 1);
    entry->slot = STARTUP_FIRST_FREE_SLOT + listing->count++;
    entry->value = value;
    listing->error = process_install(listing->child->process, entry->slot, 0, capability);
}

static bool is_own_name(const char *name) {
    bool is_descriptor = name[0] == 'f' && name[1] == 'd' && name[2] >= '0' && name[2] <= '9';
    return is_descriptor || strcmp(name, "root") == 0 || strcmp(name, "cwd") == 0 || strcmp(name, "task") == 0;
}

static error_t list_capabilities(struct child *child, const char *program, struct startup_capability *entries, uint32_t room,
                                 uint32_t *count) {
    struct listing listing = {.child = child, .entries = entries, .room = room};
    const struct startup *startup = startup_data();
    const struct startup_capability *inherited =
        (const struct startup_capability *)(const void *)((const char *)startup + startup->capability_offset);
    list(&listing, "root", layer_root, 0);
    list(&listing, "cwd", child->directory, 0);
    list(&listing, "task", child->task, child->ignored);
    for (int fd = 0; fd < child->count; fd++) {
        char name[16];
        if (!child->descriptors[fd].file || (child->descriptors[fd].flags & DESCRIPTOR_CLOSE_ON_SPAWN))
            continue;
        (void)snprintf(name, sizeof(name), "fd%d", fd);
        list(&listing, name, child->descriptors[fd].file, child->descriptors[fd].flags);
    }
    for (uint32_t i = 0; i < startup->capability_count; i++)
        if (!is_own_name(inherited[i].name) && grant_allows(inherited[i].name, program))
            list(&listing, inherited[i].name, inherited[i].slot, inherited[i].value);
    *count = listing.count;
    return listing.error;
}

static size_t strings_bytes(char *const *strings, uint32_t *count) {
    size_t bytes = 0;
    for (*count = 0; strings && strings[*count]; (*count)++)
        bytes += strlen(strings[*count]) + 1;
    return bytes;
}

static char *append_strings(char *to, char *const *strings) {
    for (; strings && *strings; strings++) {
        size_t length = strlen(*strings) + 1;
        memcpy(to, *strings, length);
        to += length;
    }
    return to;
}

// Builds the block here and copies it into the child. *address: where it lies there; *message_page: a free page behind it.
static error_t give_startup(struct child *child, const struct spawn_request *request, const struct executable *executable,
                            uint64_t *address, uint64_t *message_page) {
    uint32_t arguments, environment, capabilities, room = (uint32_t)child->count + 3 + startup_data()->capability_count;
    size_t strings = strings_bytes(request->argv, &arguments) + strings_bytes(request->envp, &environment);
    size_t table = sizeof(struct startup) + room * sizeof(struct startup_capability), length = table + strings;
    size_t bytes = (length + PAGE - 1) & ~(size_t)(PAGE - 1);
    uint64_t clock, written;
    cap_t memory = 0;
    char *block = calloc(1, bytes);
    if (!block)
        return ERR_NO_MEMORY;
    struct startup *startup = (struct startup *)(void *)block;
    error_t error =
        list_capabilities(child, request->path, (struct startup_capability *)(void *)(startup + 1), room, &capabilities);
    if (!error)
        error = process_map(child->process, 0, PAGE, 0, MAP_FLAG_READ, SLOT_CLOCK, &clock);
    if (!error)
        error = account_create_memory(child->account, bytes, &memory);
    if (!error)
        error =
            process_map(child->process, 0, bytes, 0, MAP_FLAG_READ | MAP_FLAG_WRITE, memory, address); // argv is the program's
    if (!error) {
        *message_page = *address + bytes + PAGE; // the space is fresh and picked upwards
        *startup = (struct startup){
            .magic = STARTUP_MAGIC,
            .version = STARTUP_VERSION,
            .length = (uint32_t)length,
            .message_page = *message_page,
            .clock_page = clock,
            .image_base = executable->base,
            .image_length = executable->length,
            .capability_count = capabilities,
            .capability_offset = sizeof(struct startup),
            .argument_count = arguments,
            .environment_count = environment,
            .strings_offset = (uint32_t)table,
            .strings_length = (uint32_t)strings,
        };
        strncpy(startup->name, request->argv[0] ? request->argv[0] : "", STARTUP_NAME_BYTES - 1);
        append_strings(append_strings(block + table, request->argv), request->envp);
        for (size_t done = 0; !error && done < length; done += written)
            error = memory_write(memory, done, block + done, length - done, &written);
    }
    slot_release(memory);
    free(block);
    return error;
}

static error_t give_stack(const struct child *child, uint64_t *top) {
    cap_t memory;
    uint64_t address;
    error_t error = account_create_memory(child->account, STACK_BYTES, &memory);
    if (error)
        return error;
    error = process_map(child->process, 0, STACK_BYTES, 0, MAP_FLAG_READ | MAP_FLAG_WRITE, memory, &address);
    slot_release(memory);
    *top = address + STACK_BYTES;
    return error;
}

// The name that lists show: arguments separated by NUL, cut off if they are long.
static size_t task_name(const struct spawn_request *request, char *name) {
    size_t length = 0;
    for (char *const *argument = request->argv; *argument; argument++) {
        size_t bytes = strlen(*argument) + 1;
        if (length + bytes > NAME_BYTES)
            break;
        memcpy(name + length, *argument, bytes);
        length += bytes;
    }
    return length;
}

static error_t start_child(struct child *child, const struct spawn_request *request, const struct image *image) {
    struct executable executable;
    uint64_t stack, startup, message_page;
    char name[NAME_BYTES];
    const posix_spawnattr_t *attributes = request->attributes;
    bool defaults = attributes && (attributes->flags & POSIX_SPAWN_SETSIGDEF);
    child->ignored = layer_signals_ignored() & ~(defaults ? (uint32_t)attributes->defaults : 0);
    error_t error = task_create(layer_task, 0, &child->id, &child->process, &child->task, &child->account);
    if (!error && child->ignored)
        error = task_set_ignored(child->task, child->ignored);
    if (!error)
        error = image_load(image, child->process, child->account, &executable);
    if (!error)
        error = give_stack(child, &stack);
    if (!error)
        error = give_startup(child, request, &executable, &startup, &message_page);
    if (!error && attributes && (attributes->flags & POSIX_SPAWN_SETSID))
        error = task_new_session(child->task, &(uint64_t){0});
    if (!error && attributes && (attributes->flags & POSIX_SPAWN_SETPGROUP))
        error = task_set_group(layer_task, child->id, (uint64_t)attributes->group);
    if (!error)
        error = task_start(child->task, executable.entry, stack, startup, message_page, name, task_name(request, name));
    return error;
}

// The program at the path: as it was read before, if it is still the same, or read now.
static error_t find_image(const char *path, const struct image **image) {
    struct file_status status;
    int fd;
    if (image_is_known(path) && layer_status(path, &status) == ERR_OK && (*image = image_find(path, &status)) != NULL)
        return ERR_OK;
    error_t error = system_open(AT_FDCWD, path, O_RDONLY, 0, &fd);
    if (error)
        return error;
    cap_t file = descriptor_at(fd)->file;
    error = file_status(file, &status);
    if (!error && status.kind == FILE_KIND_DIRECTORY)
        error = ERR_ACCESS;
    if (!error)
        error = image_read(file, path, image);
    error_t closed = system_close(fd);
    return error ? error : closed;
}

error_t system_spawn(const struct spawn_request *request, pid_t *pid) {
    struct child child = {0};
    const struct image *image;
    error_t error = copy_descriptors(&child, request);
    for (size_t i = 0; !error && i < request->action_count; i++)
        error = run_action(&child, &request->actions[i]);
    if (!error)
        error = find_image(request->path, &image);
    if (!error)
        error = start_child(&child, request, image);
    if (error && child.process)
        (void)process_destroy(child.process);
    if (!error)
        *pid = (pid_t)child.id;
    slot_release(child.process);
    slot_release(child.task);
    slot_release(child.account);
    for (int fd = 0; child.descriptors && child.owned && fd < child.count; fd++)
        drop(&child, fd);
    if (child.directory_owned)
        slot_release(child.directory);
    free(child.descriptors);
    free(child.owned);
    return error;
}
