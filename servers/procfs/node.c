// tree_ops. A node is a number in the pointer: (process id << 8 | place) + 1, where place 0 is the directory
// itself and the others count the files of /proc or of /proc/PID. Nothing is kept between calls but the texts
// of open files.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libipc/client/call.h"
#include "libipc/client/clock.h"
#include "servers/procfs/state.h"

#define PATIENCE_NANOSECONDS UINT64_C(2000000000) // with a server that makes no answer: its part is left out

enum { ID_MAX = 1 << 30, PROCESS_CURSOR = 256 };

static const struct proc_entry system_entries[] = {
    {"accounts", make_accounts},
    {"cmdline", make_command_line},
    {"disks", make_disks},
    {"interrupts", make_interrupts},
    {"log", make_log},
    {"memory", make_memory},
    {"mounts", make_mounts},
    {"pci", make_pci},
    {"processes", make_processes},
    {"services", make_services},
    {"uptime", make_uptime},
    {"version", make_version},
};
static const struct proc_entry task_entries[] = {
    {"capabilities", make_task_capabilities}, {"maps", make_task_maps}, {"status", make_task_status}};

enum { SYSTEM_ENTRIES = sizeof(system_entries) / sizeof(system_entries[0]) };
enum { TASK_ENTRIES = sizeof(task_entries) / sizeof(task_entries[0]) };

static struct tree_node *node_of(uint64_t id, uint64_t place) {
    return (struct tree_node *)(uintptr_t)((id << 8 | place) + 1); // NOLINT(performance-no-int-to-ptr)
}

static uint64_t node_id(const struct tree_node *node) {
    return ((uint64_t)(uintptr_t)node - 1) >> 8;
}

static uint64_t node_place(const struct tree_node *node) {
    return ((uint64_t)(uintptr_t)node - 1) & 0xff;
}

static void node_keep(struct tree_node *node) {
    (void)node;
}

static uint8_t node_kind(struct tree_node *node) {
    return node_place(node) == 0 ? FILE_KIND_DIRECTORY : FILE_KIND_REGULAR;
}

// Runs with a limit on how long others may take.
static uint64_t patience_begin(void) {
    uint64_t outer = ipc_deadline;
    ipc_deadline = clock_monotonic() + PATIENCE_NANOSECONDS;
    return outer;
}

static error_t node_status(struct tree *tree, struct tree_node *node, struct file_status *status) {
    (void)tree;
    bool is_directory = node_place(node) == 0;
    *status = (struct file_status){.inode = (uint64_t)(uintptr_t)node, .mode = is_directory ? 0555 : 0444};
    status->accessed = status->modified = status->changed = (int64_t)clock_wall();
    status->links = is_directory ? 2 : 1;
    status->block_size = 4096;
    status->kind = node_kind(node);
    return ERR_OK;
}

static const struct proc_entry *entries_of(uint64_t id, unsigned *count) {
    *count = id == 0 ? SYSTEM_ENTRIES : TASK_ENTRIES;
    return id == 0 ? system_entries : task_entries;
}

static bool parse_id(const char *name, size_t length, uint64_t *id) {
    *id = 0;
    for (size_t i = 0; i < length; i++) {
        if (name[i] < '0' || name[i] > '9' || (i == 0 && name[i] == '0'))
            return false;
        *id = *id * 10 + (uint64_t)(name[i] - '0');
        if (*id > ID_MAX)
            return false;
    }
    return *id != 0;
}

static error_t node_lookup(struct tree_node *directory, const char *name, size_t length, struct tree_node **result) {
    uint64_t id = node_id(directory);
    unsigned count;
    const struct proc_entry *entries = entries_of(id, &count);
    for (unsigned i = 0; i < count; i++) {
        if (strlen(entries[i].name) == length && memcmp(entries[i].name, name, length) == 0) {
            *result = node_of(id, i + 1);
            return ERR_OK;
        }
    }
    if (id != 0 || !parse_id(name, length, &id))
        return ERR_NOT_FOUND;
    uint64_t outer = patience_begin();
    bool exists = task_exists(id);
    ipc_deadline = outer;
    *result = node_of(id, 0);
    return exists ? ERR_OK : ERR_NOT_FOUND;
}

static error_t node_parent(struct tree_node *directory, struct tree_node **result) {
    (void)directory;
    *result = node_of(0, 0);
    return ERR_OK;
}

// Cursors: 2 and up the fixed files, PROCESS_CURSOR and the last id the processes.
static bool list_tasks(uint64_t *cursor, tree_emit *emit, void *context) {
    uint64_t id = *cursor > PROCESS_CURSOR ? *cursor - PROCESS_CURSOR : 0;
    while (task_after(id, &id)) {
        char name[24];
        int length = snprintf(name, sizeof(name), "%llu", (unsigned long long)id);
        struct tree_entry entry = {.name = name, .length = (size_t)length, .next = PROCESS_CURSOR + id};
        entry.inode = (uint64_t)(uintptr_t)node_of(id, 0);
        entry.kind = FILE_KIND_DIRECTORY;
        if (!emit(context, &entry))
            return false;
        *cursor = entry.next;
    }
    return true;
}

static error_t node_list(struct tree_node *directory, uint64_t *cursor, tree_emit *emit, void *context) {
    uint64_t id = node_id(directory);
    unsigned count;
    const struct proc_entry *entries = entries_of(id, &count);
    if (!tree_list_dots(cursor, (uint64_t)(uintptr_t)directory, (uint64_t)(uintptr_t)node_of(0, 0), emit, context))
        return ERR_OK;
    for (uint64_t i = *cursor - 2; i < count; i++) {
        struct tree_entry entry = {.name = entries[i].name, .length = strlen(entries[i].name), .next = i + 3};
        entry.inode = (uint64_t)(uintptr_t)node_of(id, i + 1);
        entry.kind = FILE_KIND_REGULAR;
        if (!emit(context, &entry))
            return ERR_OK;
        *cursor = entry.next;
    }
    if (id != 0)
        return ERR_OK;
    uint64_t outer = patience_begin();
    list_tasks(cursor, emit, context);
    ipc_deadline = outer;
    return ERR_OK;
}

static error_t node_opened(struct open_file *file) {
    struct tree_node *node = file->session.node;
    unsigned count;
    const struct proc_entry *entries = entries_of(node_id(node), &count);
    if (node_place(node) == 0)
        return ERR_OK;
    struct document *document = calloc(1, sizeof(*document));
    if (document == NULL)
        return ERR_NO_MEMORY;
    uint64_t outer = patience_begin();
    entries[node_place(node) - 1].make(document, node_id(node));
    ipc_deadline = outer;
    if (document->is_cut) {
        document_free(document);
        free(document);
        return ERR_NO_MEMORY;
    }
    file->own = document;
    return ERR_OK;
}

static void node_closed(struct open_file *file) {
    if (file->own == NULL)
        return;
    document_free(file->own);
    free(file->own);
}

static error_t node_read(struct open_file *file, struct request *request, uint64_t position, uint64_t length, uint64_t *count) {
    const struct document *document = file->own;
    return tree_read_bytes(request, document->bytes, document->length, position, length, count);
}

// A node is a number; but for the place of a file in the table, it means the same to every build.
static uint64_t node_identity(const struct tree_node *node) {
    return (uint64_t)(uintptr_t)node;
}

static error_t node_find(struct tree *tree, uint64_t identity, struct tree_node **result) {
    (void)tree;
    *result = (struct tree_node *)(uintptr_t)identity; // NOLINT(performance-no-int-to-ptr)
    return ERR_OK;
}

static const struct tree_ops procfs_ops = {
    .hold = node_keep,
    .release = node_keep,
    .kind = node_kind,
    .status = node_status,
    .lookup = node_lookup,
    .parent = node_parent,
    .list = node_list,
    .opened = node_opened,
    .closed = node_closed,
    .read = node_read,
    .identity = node_identity,
    .find = node_find,
};

struct tree procfs_tree = {.ops = &procfs_ops, .root = (struct tree_node *)1, .flags = MOUNT_FLAG_READ_ONLY, .type = "procfs"};
