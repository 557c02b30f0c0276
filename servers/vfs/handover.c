// What vfs knows, as records for another build (libipc/server/handover.h): mounts, directories, pipes with
// the bytes in them. Directories are named by numbers of their own here, since one may be the root of others
// without having a session.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libipc/start/start.h"
#include "servers/framework/heap_sessions.h"
#include "servers/vfs/dispatch.h"
#include "servers/vfs/pipe.h"

enum { CLASS_VFS = 1, CLASS_MOUNT, CLASS_DIRECTORY, CLASS_PIPE, CLASS_INTERRUPTED, VERSION = 1 };

struct vfs_record {
    uint64_t last_number, last_inode, root; // the number of what is mounted on / now
    uint64_t picture, readable;             // slots
};

struct mount_record {            // under its number
    uint64_t parent, top, flags; // numbers; 0: none
    uint32_t root, covered;      // slots
    uint32_t is_covering, name_length;
    char name[MOUNT_NAME_BYTES], type[MOUNT_TYPE_BYTES], source[MOUNT_SOURCE_BYTES];
};

struct directory_record { // under an address that is never looked at; roots come before those whose root they
                          // are
    uint64_t badge;       // 0: it has no session any more
    uint64_t mount, root; // root: its key; its own: itself; 0: the common root
    uint32_t node, name_length;
    char name[PATH_BYTES_MAX];
};

struct pipe_record {         // under its inode
    uint64_t reader, writer; // badges; 0: closed
    uint64_t reader_flags, writer_flags;
    int64_t changed;
    uint64_t count;
    unsigned char bytes[PIPE_BYTES];
};

struct interrupted_record { // under the pipe's inode: a write of which a part is in the pipe
    uint64_t thread, count, done;
};

// --- giving ---

static error_t give_mount(struct handover *handover, const struct mount *mount) {
    struct mount_record record = {
        .parent = mount->parent != NULL ? mount->parent->number : 0,
        .top = mount->top->number,
        .flags = mount->flags,
        .root = mount->root,
        .covered = mount->covered,
        .is_covering = mount->is_covering,
        .name_length = (uint32_t)mount->name_length,
    };
    memcpy(record.name, mount->name, sizeof(record.name));
    memcpy(record.type, mount->type, sizeof(record.type));
    memcpy(record.source, mount->source, sizeof(record.source));
    return handover_put(handover, CLASS_MOUNT, VERSION, mount->number, &record, sizeof(record));
}

static uint64_t key_of(const struct directory *directory) {
    return directory == &vfs.root ? 0 : (uint64_t)(uintptr_t)directory;
}

static bool was_given(const struct handover *handover, uint64_t key) {
    struct handover_view view = {0};
    while (handover_next(handover, CLASS_DIRECTORY, &view) == ERR_OK)
        if (view.view.key == key)
            return true;
    return false;
}

static error_t give_directory(struct handover *handover, const struct directory *directory, bool has_session) {
    static struct directory_record record; // large; nothing waits here
    if (directory == &vfs.root || was_given(handover, key_of(directory)))
        return ERR_OK;
    if (directory->root != directory) {
        bool known = session_find(directory->root->session.badge) == &directory->root->session;
        error_t error = give_directory(handover, directory->root, known);
        if (error != ERR_OK)
            return error;
    }
    record = (struct directory_record){
        .badge = has_session ? directory->session.badge : 0,
        .mount = directory->mount->number,
        .root = key_of(directory->root),
        .node = directory->node,
        .name_length = (uint32_t)directory->name_length,
    };
    memcpy(record.name, directory->name, directory->name_length);
    uint64_t length = offsetof(struct directory_record, name) + directory->name_length;
    return handover_put(handover, CLASS_DIRECTORY, VERSION, key_of(directory), &record, length);
}

static error_t give_waiters(struct handover *handover, const struct pipe *pipe) {
    error_t error = ERR_OK;
    for (const struct pipe_waiter *each = pipe->writers.first; each != NULL && error == ERR_OK; each = each->next) {
        const struct interrupted_record record = {each->deferred.number_thread, each->deferred.number_count, each->done};
        if (each->done != 0)
            error = handover_put(handover, CLASS_INTERRUPTED, VERSION, pipe->inode, &record, sizeof(record));
    }
    return error;
}

static error_t give_pipe(struct handover *handover, const struct pipe *pipe) {
    static struct pipe_record record;
    record = (struct pipe_record){
        .reader = pipe->reader.is_open ? pipe->reader.session.badge : 0,
        .writer = pipe->writer.is_open ? pipe->writer.session.badge : 0,
        .reader_flags = pipe->reader.flags,
        .writer_flags = pipe->writer.flags,
        .changed = pipe->changed,
        .count = pipe->count,
    };
    for (uint32_t i = 0; i < pipe->count; i++)
        record.bytes[i] = pipe->bytes[(pipe->start + i) % PIPE_BYTES];
    uint64_t length = offsetof(struct pipe_record, bytes) + pipe->count;
    error_t error = handover_put(handover, CLASS_PIPE, VERSION, pipe->inode, &record, length);
    if (error == ERR_OK)
        error = give_waiters(handover, pipe);
    if (error == ERR_OK && pipe->reader.is_open)
        error = poll_list_give(&pipe->reader.polls, handover, record.reader);
    if (error == ERR_OK && pipe->writer.is_open)
        error = poll_list_give(&pipe->writer.polls, handover, record.writer);
    return error;
}

static error_t give_sessions(struct handover *handover) {
    error_t error = ERR_OK;
    for (uint32_t i = 1; i < vfs.sessions.used && error == ERR_OK; i++) {
        const struct session *session = vfs.sessions.entries[i].object;
        if (session == NULL)
            continue;
        if (session->kind == SESSION_DIRECTORY) {
            error = give_directory(handover, (const struct directory *)session, true);
            continue;
        }
        const struct pipe_end *end = (const struct pipe_end *)session;
        if (!end->is_writer || !end->pipe->reader.is_open) // once for both
            error = give_pipe(handover, end->pipe);
    }
    return error;
}

error_t vfs_give(struct handover *handover) {
    struct vfs_record record = {.last_number = vfs.last_number, .root = vfs.root.mount->number};
    record.last_inode = pipe_last_inode();
    picture_slots(&record.picture, &record.readable);
    error_t error = handover_put(handover, CLASS_VFS, VERSION, 0, &record, sizeof(record));
    for (const struct mount *mount = vfs.mounts; mount != NULL && error == ERR_OK; mount = mount->next)
        error = mount->is_ending ? ERR_BUSY : give_mount(handover, mount);
    return error == ERR_OK ? give_sessions(handover) : error;
}

// --- taking ---

// In the order in which they were given, which is that of their numbers: a mount's parent comes before it.
static error_t take_mount(uint64_t number, const struct mount_record *record) {
    char name[STARTUP_NAME_BYTES];
    struct mount *mount = calloc(1, sizeof(*mount)), **place = &vfs.mounts;
    if (mount == NULL)
        return ERR_NO_MEMORY;
    (void)snprintf(name, sizeof(name), "fs.%.*s", MOUNT_TYPE_BYTES, record->type);
    mount->number = number;
    mount->flags = record->flags;
    mount->filesystem = startup_capability(name);
    mount->root = record->root;
    mount->covered = record->covered;
    mount->is_covering = record->is_covering;
    mount->name_length = record->name_length;
    memcpy(mount->name, record->name, sizeof(mount->name));
    memcpy(mount->type, record->type, sizeof(mount->type));
    memcpy(mount->source, record->source, sizeof(mount->source));
    while (*place != NULL)
        place = &(*place)->next;
    *place = mount;
    mount->parent = mount_find(record->parent);
    mount->top = mount_find(record->top);
    handover_claim(mount->root);
    handover_claim(mount->covered);
    return mount->filesystem != 0 && mount->top != NULL && mount->name_length <= sizeof(mount->name) ? ERR_OK : ERR_CORRUPT;
}

static error_t take_mounts(struct handover *handover) {
    struct handover_view view = {0};
    struct mount_record record;
    while (handover_next(handover, CLASS_MOUNT, &view) == ERR_OK) {
        error_t error = handover_read(&view, VERSION, &record, sizeof(record));
        if (error == ERR_OK)
            error = take_mount(view.view.key, &record);
        if (error != ERR_OK)
            return error;
    }
    return ERR_OK;
}

// Which directory a key has become: the handover's own list, gone when all are there.
struct known {
    struct known *next;
    uint64_t key;
    struct directory *directory;
};

static struct directory *known_find(const struct known *known, uint64_t key) {
    while (known != NULL && known->key != key)
        known = known->next;
    return known != NULL ? known->directory : NULL;
}

static error_t take_directory(uint64_t key, const struct directory_record *record, struct known **known) {
    struct directory *directory = calloc(1, sizeof(*directory));
    struct known *entry = malloc(sizeof(*entry));
    char *name = malloc(record->name_length);
    struct directory *root = record->root == 0 ? &vfs.root : record->root == key ? directory : known_find(*known, record->root);
    struct mount *mount = mount_find(record->mount);
    if (directory == NULL || entry == NULL || name == NULL)
        return ERR_NO_MEMORY;
    if (root == NULL || mount == NULL)
        return ERR_CORRUPT;
    memcpy(name, record->name, record->name_length);
    *directory = (struct directory){
        .references = record->badge != 0, .mount = mount, .node = record->node, .name = name, .name_length = record->name_length};
    directory->root = root;
    if (root != directory)
        root->references++;
    mount->users++;
    handover_claim(directory->node);
    *entry = (struct known){*known, key, directory};
    *known = entry;
    directory->session = (struct session){SESSION_DIRECTORY, record->badge};
    return record->badge != 0 ? session_take(&directory->session) : ERR_OK;
}

static error_t take_directories(struct handover *handover) {
    static struct directory_record record;
    struct handover_view view = {0};
    struct known *known = NULL;
    error_t error = ERR_OK;
    while (error == ERR_OK && handover_next(handover, CLASS_DIRECTORY, &view) == ERR_OK) {
        error = handover_read(&view, VERSION, &record, offsetof(struct directory_record, name));
        if (error == ERR_OK && record.name_length > sizeof(record.name))
            error = ERR_CORRUPT;
        if (error == ERR_OK)
            error = handover_read(&view, VERSION, &record, offsetof(struct directory_record, name) + record.name_length);
        if (error == ERR_OK)
            error = take_directory(view.view.key, &record, &known);
    }
    while (known != NULL) {
        struct known *next = known->next;
        free(known);
        known = next;
    }
    return error;
}

static error_t take_end(struct pipe_end *end, uint64_t badge, uint64_t flags, bool is_writer, struct pipe *pipe) {
    *end = (struct pipe_end){.session = {SESSION_PIPE, badge}, .pipe = pipe, .flags = flags, .is_writer = is_writer};
    end->is_open = badge != 0;
    return badge != 0 ? session_take(&end->session) : ERR_OK;
}

static error_t take_pipe(uint64_t inode, const struct pipe_record *record) {
    struct pipe *pipe = calloc(1, sizeof(*pipe));
    if (pipe == NULL)
        return ERR_NO_MEMORY;
    pipe->inode = inode;
    pipe->changed = record->changed;
    pipe->count = (uint32_t)record->count;
    if (pipe->count != 0) {
        pipe->bytes = malloc(PIPE_BYTES);
        if (pipe->bytes == NULL)
            return ERR_NO_MEMORY;
        memcpy(pipe->bytes, record->bytes, pipe->count);
    }
    vfs.pipe_count++;
    error_t error = take_end(&pipe->reader, record->reader, record->reader_flags, false, pipe);
    return error == ERR_OK ? take_end(&pipe->writer, record->writer, record->writer_flags, true, pipe) : error;
}

static error_t take_pipes(struct handover *handover) {
    static struct pipe_record record;
    struct handover_view view = {0};
    const uint64_t head = offsetof(struct pipe_record, bytes);
    while (handover_next(handover, CLASS_PIPE, &view) == ERR_OK) {
        error_t error = handover_read(&view, VERSION, &record, head);
        if (error == ERR_OK && record.count > PIPE_BYTES)
            error = ERR_CORRUPT;
        if (error == ERR_OK)
            error = handover_read(&view, VERSION, &record, head + record.count);
        if (error == ERR_OK)
            error = take_pipe(view.view.key, &record);
        if (error != ERR_OK)
            return error;
    }
    return ERR_OK;
}

static error_t take_interrupted(struct handover *handover) {
    struct handover_view view = {0};
    struct interrupted_record record;
    while (handover_next(handover, CLASS_INTERRUPTED, &view) == ERR_OK) {
        error_t error = handover_read(&view, VERSION, &record, sizeof(record));
        if (error == ERR_OK)
            error = pipe_note_interrupted(view.view.key, record.thread, record.count, record.done);
        if (error != ERR_OK)
            return error;
    }
    return ERR_OK;
}

static struct poll_list *polls_of(uint64_t badge) {
    struct session *session = session_find(badge);
    return session != NULL && session->kind == SESSION_PIPE ? &((struct pipe_end *)session)->polls : NULL;
}

error_t vfs_take(struct handover *handover) {
    struct vfs_record record;
    error_t error = handover_read_first(handover, CLASS_VFS, VERSION, &record, sizeof(record));
    if (error == ERR_OK)
        error = take_mounts(handover);
    if (error != ERR_OK)
        return error;
    vfs.last_number = record.last_number;
    pipe_start_inodes(record.last_inode);
    struct mount *top = mount_find(record.root);
    if (top == NULL)
        return ERR_CORRUPT;
    vfs.root.mount = top;
    vfs.root.node = top->root;
    picture_take(record.picture, record.readable);
    error = take_directories(handover);
    if (error == ERR_OK)
        error = take_pipes(handover);
    if (error == ERR_OK)
        error = take_interrupted(handover);
    if (error == ERR_OK)
        error = poll_lists_take(handover, polls_of);
    heap_sessions_avoid_unknown(&vfs.sessions, vfs.server.endpoint);
    return error;
}
