// See model.h. Each operation is done on the file system and on the model; any difference in outcome or
// content aborts. Over 600 lines, because it is one table of operations, each with what the model expects of it: parts of it
// would need its inside in a header.
#include "tests/host/ext2/model.h"

#include <string.h>

static const struct node_creation ordinary = {.type = NODE_REGULAR, .permissions = 0644, .uid = 1000, .gid = 100};

static uint32_t below(struct worker *worker, uint32_t limit) {
    return host_random_below(&worker->random, limit);
}

void worker_make(struct worker *worker, uint32_t id, uint64_t seed) {
    memset(worker, 0, sizeof *worker);
    worker->id = id;
    worker->random.state = seed * 77 + id;
    worker->nodes[0].type = worker->nodes[1].type = NODE_DIRECTORY;
    worker->buffer = malloc(MODEL_FILE_BYTES);
    CHECK(worker->buffer, "no memory");
}

void worker_free(struct worker *worker) {
    for (uint32_t i = 0; i < MODEL_NODES; i++)
        free(worker->nodes[i].data);
    free(worker->buffer);
}

// --- the model ---
static uint32_t node_new(struct worker *worker, enum node_type type) {
    for (uint32_t i = 2; i < MODEL_NODES; i++)
        if (!worker->nodes[i].type) {
            uint8_t *data = worker->nodes[i].data;
            memset(&worker->nodes[i], 0, sizeof worker->nodes[i]);
            worker->nodes[i].data = data ? data : malloc(MODEL_FILE_BYTES);
            CHECK(worker->nodes[i].data, "no memory");
            worker->nodes[i].type = type;
            worker->nodes[i].links = 1;
            return i;
        }
    return 0;
}

static struct model_entry *entry_new(struct worker *worker) {
    for (uint32_t i = 0; i < MODEL_ENTRIES; i++)
        if (!worker->entries[i].used)
            return &worker->entries[i];
    return NULL;
}

static struct model_entry *entry_random(struct worker *worker) {
    uint32_t start = below(worker, MODEL_ENTRIES);
    for (uint32_t i = 0; i < MODEL_ENTRIES; i++)
        if (worker->entries[(start + i) % MODEL_ENTRIES].used)
            return &worker->entries[(start + i) % MODEL_ENTRIES];
    return NULL;
}

static struct model_entry *entry_find(struct worker *worker, uint32_t directory, const char *name, uint32_t length) {
    for (uint32_t i = 0; i < MODEL_ENTRIES; i++) {
        struct model_entry *entry = &worker->entries[i];
        if (entry->used && entry->directory == directory && entry->length == length && memcmp(entry->name, name, length) == 0)
            return entry;
    }
    return NULL;
}

static bool directory_empty(const struct worker *worker, uint32_t node) {
    for (uint32_t i = 0; i < MODEL_ENTRIES; i++)
        if (worker->entries[i].used && worker->entries[i].directory == node)
            return false;
    return true;
}

static const struct model_entry *entry_of_node(const struct worker *worker, uint32_t node) {
    for (uint32_t i = 0; i < MODEL_ENTRIES; i++)
        if (worker->entries[i].used && worker->entries[i].node == node)
            return &worker->entries[i];
    return NULL;
}

static bool is_within(const struct worker *worker, uint32_t node, uint32_t ancestor) {
    while (node != ancestor) {
        if (node < 2)
            return false;
        node = entry_of_node(worker, node)->directory;
    }
    return true;
}

bool worker_path(const struct worker *worker, uint32_t node, char *path, size_t size) {
    if (node == 0)
        return snprintf(path, size, "/w%u", worker->id) > 0;
    if (node == 1)
        return snprintf(path, size, "/shared") > 0;
    const struct model_entry *entry = entry_of_node(worker, node);
    if (!entry || !worker_path(worker, entry->directory, path, size))
        return false;
    size_t used = strlen(path);
    snprintf(path + used, size - used, "/%s", entry->name);
    return true;
}

static uint32_t directory_random(struct worker *worker) {
    uint32_t start = below(worker, MODEL_NODES);
    if (below(worker, 4) == 0)
        return below(worker, 2);
    for (uint32_t i = 0; i < MODEL_NODES; i++) {
        uint32_t node = (start + i) % MODEL_NODES;
        if (worker->nodes[node].type == NODE_DIRECTORY && worker->nodes[node].links)
            return node;
    }
    return 0;
}

static void name_random(struct worker *worker, char *name, uint32_t *length) {
    uint32_t number = below(worker, 200);
    *length = (uint32_t)snprintf(name, 256, "w%u.%u.", worker->id, number);
    uint32_t want = below(worker, 8) == 0 ? 255 : *length + below(worker, 24);
    while (*length < want) {
        name[*length] = (char)('a' + (number + *length) % 26);
        ++*length;
    }
    name[*length] = 0;
}

// --- reaching nodes ---

// A
// reference to a node that has a name or is held. NULL: the disk failed (only where that may be).
static struct inode *open_node(struct worker *worker, uint32_t node) {
    struct inode *directory, *result;
    if (worker->nodes[node].held) {
        node_reference(worker->nodes[node].held);
        return worker->nodes[node].held;
    }
    const struct model_entry *entry = entry_of_node(worker, node);
    CHECK(entry, "node %u has no name", node);
    directory = open_node(worker, entry->directory);
    if (!directory)
        return NULL;
    error_t error = node_lookup(directory, entry->name, entry->length, &result);
    node_release(directory);
    if (error && worker->tolerant)
        return NULL;
    CHECK(!error, "lookup of %s: %d", entry->name, error);
    return result;
}

// Whether the operation took effect. An allowed refusal leaves the model as it is.
static bool accepted(struct worker *worker, error_t error, error_t expected, const char *what) {
    worker->operations++;
    if (worker->tolerant && error != expected &&
        (error == ERR_NO_SPACE || error == ERR_IO || error == ERR_READ_ONLY || error == ERR_CORRUPT)) {
        worker->refused++;
        if (error != ERR_NO_SPACE)
            worker->unsure = true;
        return false;
    }
    CHECK(error == expected, "%s gives %d, not %d", what, error, expected);
    return error == ERR_OK;
}

void worker_enter(struct worker *worker, struct filesystem *fs) {
    char name[16];
    struct inode *root;
    worker->fs = fs;
    snprintf(name, sizeof name, "w%u", worker->id);
    CHECK(!node_root(fs, &root), "root");
    for (uint32_t i = 0; i < 2; i++) {
        const char *directory = i ? "shared" : name;
        struct inode **held = &worker->nodes[i].held;
        error_t error = node_lookup(root, directory, (uint32_t)strlen(directory), held);
        if (error == ERR_NOT_FOUND)
            error = node_mkdir(root, directory, (uint32_t)strlen(directory), &ordinary, held);
        if (error == ERR_EXISTS) // another worker was faster
            error = node_lookup(root, directory, (uint32_t)strlen(directory), held);
        CHECK(!error, "entering %s: %d", directory, error);
    }
    node_release(root);
}

// --- operations ---
static void changing(struct worker *worker, uint32_t node) {
    if (worker->changing)
        worker->changing(worker, node);
}

static void node_lost_name(struct worker *worker, uint32_t node) {
    struct model_node *model = &worker->nodes[node];
    if (--model->links == 0 && !model->held)
        model->type = 0;
}

static void do_create(struct worker *worker) {
    struct model_entry *slot = entry_new(worker);
    uint32_t directory = directory_random(worker), length;
    enum node_type type = (enum node_type[]){NODE_REGULAR,   NODE_REGULAR, NODE_REGULAR, NODE_DIRECTORY,
                                             NODE_DIRECTORY, NODE_SYMLINK, NODE_FIFO,    NODE_CHARACTER}[below(worker, 8)];
    uint32_t node = slot ? node_new(worker, type) : 0;
    char name[256];
    struct inode *parent, *made;
    if (!node)
        return;
    worker->nodes[node].type = 0;
    name_random(worker, name, &length);
    error_t expected = entry_find(worker, directory, name, length) ? ERR_EXISTS : ERR_OK, error;
    parent = open_node(worker, directory);
    if (!parent)
        return;
    struct node_creation creation = ordinary;
    creation.type = type;
    creation.permissions = below(worker, 01000);
    creation.uid = below(worker, 100000);
    uint64_t size = 0;
    if (type == NODE_DIRECTORY) {
        error = node_mkdir(parent, name, length, &creation, &made);
    } else if (type == NODE_SYMLINK) {
        size = 1 + below(worker, below(worker, 2) ? 59 : 900);
        for (uint64_t i = 0; i < size; i++)
            worker->nodes[node].data[i] = (uint8_t)('a' + (i + length) % 26);
        error = node_symlink(parent, name, length, (char *)worker->nodes[node].data, (uint32_t)size, &creation, &made);
    } else {
        error = node_create(parent, name, length, &creation, &made);
    }
    node_release(parent);
    if (!accepted(worker, error, expected, "create"))
        return;
    struct model_node *model = &worker->nodes[node];
    model->type = type;
    model->size = size;
    model->links = 1;
    model->mode = type == NODE_SYMLINK ? 0777 : creation.permissions;
    model->uid = creation.uid;
    *slot = (struct model_entry){.used = true, .directory = directory, .node = node, .length = length};
    memcpy(slot->name, name, length + 1);
    if (type == NODE_REGULAR && below(worker, 4) == 0)
        model->held = made;
    else
        node_release(made);
}

static void do_link(struct worker *worker) {
    struct model_entry *old = entry_random(worker), *slot = entry_new(worker);
    uint32_t directory = directory_random(worker), length;
    char name[256];
    if (!old || !slot)
        return;
    uint32_t node = old->node;
    name_random(worker, name, &length);
    struct inode *parent = open_node(worker, directory), *inode = parent ? open_node(worker, node) : NULL;
    if (inode) {
        error_t expected = worker->nodes[node].type == NODE_DIRECTORY    ? ERR_NOT_PERMITTED
                           : entry_find(worker, directory, name, length) ? ERR_EXISTS
                                                                         : ERR_OK;
        if (accepted(worker, node_link(parent, name, length, inode), expected, "link")) {
            *slot = (struct model_entry){.used = true, .directory = directory, .node = node, .length = length};
            memcpy(slot->name, name, length + 1);
            worker->nodes[node].links++;
        }
        node_release(inode);
    }
    if (parent)
        node_release(parent);
}

static void do_remove(struct worker *worker) {
    struct model_entry *entry = entry_random(worker);
    if (!entry)
        return;
    struct model_node *model = &worker->nodes[entry->node];
    bool as_directory = below(worker, 8) == 0 ? below(worker, 2) : model->type == NODE_DIRECTORY;
    error_t expected = ERR_OK;
    if (as_directory && model->type != NODE_DIRECTORY)
        expected = ERR_NOT_DIRECTORY;
    else if (as_directory && !directory_empty(worker, entry->node))
        expected = ERR_NOT_EMPTY;
    else if (!as_directory && model->type == NODE_DIRECTORY)
        expected = ERR_IS_DIRECTORY;
    struct inode *parent = open_node(worker, entry->directory);
    if (!parent)
        return;
    changing(worker, entry->node);
    error_t error =
        as_directory ? node_rmdir(parent, entry->name, entry->length) : node_unlink(parent, entry->name, entry->length);
    if (accepted(worker, error, expected, as_directory ? "rmdir" : "unlink")) {
        entry->used = false;
        node_lost_name(worker, entry->node);
    }
    node_release(parent);
}

static error_t rename_expected(struct worker *worker, const struct model_entry *source, uint32_t directory,
                               const struct model_entry *target) {
    const struct model_node *node = &worker->nodes[source->node];
    const struct model_node *victim = target ? &worker->nodes[target->node] : NULL;
    if (target && target->node == source->node)
        return ERR_OK;
    if (node->type == NODE_DIRECTORY && is_within(worker, directory, source->node))
        return ERR_INVALID;
    if (!victim)
        return ERR_OK;
    if (node->type == NODE_DIRECTORY && victim->type != NODE_DIRECTORY)
        return ERR_NOT_DIRECTORY;
    if (node->type != NODE_DIRECTORY && victim->type == NODE_DIRECTORY)
        return ERR_IS_DIRECTORY;
    return victim->type == NODE_DIRECTORY && !directory_empty(worker, target->node) ? ERR_NOT_EMPTY : ERR_OK;
}

static void do_rename(struct worker *worker) {
    struct model_entry *source = entry_random(worker), *target;
    uint32_t directory, length;
    char name[256];
    if (!source || (worker->no_directory_moves && worker->nodes[source->node].type == NODE_DIRECTORY))
        return;
    target = below(worker, 3) == 0 ? entry_random(worker) : NULL;
    if (target) {
        directory = target->directory;
        length = target->length;
        memcpy(name, target->name, sizeof name);
    } else {
        directory = below(worker, 2) ? source->directory : directory_random(worker);
        name_random(worker, name, &length);
        target = entry_find(worker, directory, name, length);
    }
    struct inode *from = open_node(worker, source->directory), *to = from ? open_node(worker, directory) : NULL;
    if (to) {
        error_t expected = rename_expected(worker, source, directory, target);
        changing(worker, worker->nodes[source->node].type == NODE_DIRECTORY ? NO_NODE : source->node);
        if (target)
            changing(worker, target->node);
        error_t error = node_rename(from, source->name, source->length, to, name, length);
        if (accepted(worker, error, expected, "rename") && !(target && target->node == source->node)) {
            if (target) {
                target->used = false;
                node_lost_name(worker, target->node);
            }
            source->directory = directory;
            source->length = length;
            memcpy(source->name, name, sizeof name);
        }
        node_release(to);
    }
    if (from)
        node_release(from);
}

static uint32_t file_random(struct worker *worker) {
    uint32_t start = below(worker, MODEL_NODES);
    for (uint32_t i = 0; i < MODEL_NODES; i++) {
        uint32_t node = (start + i) % MODEL_NODES;
        if (worker->nodes[node].type == NODE_REGULAR)
            return node;
    }
    return 0;
}

static void do_write(struct worker *worker) {
    uint32_t node = file_random(worker);
    struct model_node *model = &worker->nodes[node];
    if (!node)
        return;
    uint64_t limit = worker->small_files ? 40000 : MODEL_FILE_BYTES, done, at = 0;
    uint64_t offset = below(worker, 3) ? below(worker, (uint32_t)model->size + 1) : below(worker, (uint32_t)limit);
    uint64_t length = 1 + below(worker, below(worker, 3) ? 9000 : 200000);
    bool append = below(worker, 4) == 0;
    if (append)
        offset = model->size;
    if (offset >= limit)
        return;
    length = length < limit - offset ? length : limit - offset;
    struct inode *inode = open_node(worker, node);
    if (!inode)
        return;
    for (uint64_t i = 0, value = host_random_next(&worker->random); i < length; i++, value = value * 5 + 1 + (value >> 33))
        worker->buffer[i] = (uint8_t)(value >> 7) | 1;
    struct platform_caller caller = {worker->buffer, length, below(worker, 10) ? UINT64_MAX : below(worker, (uint32_t)length)};
    changing(worker, node);
    error_t error = node_write(inode, append ? 12345 : offset, append, length, &caller, 0, &done, &at);
    error_t expected = caller.fault_at < length && done == 0 ? ERR_FAULT : ERR_OK;
    if (accepted(worker, error, expected, "write") || done) {
        CHECK(!append || at == offset, "append at %lu, not %lu", (unsigned long)at, (unsigned long)offset);
        CHECK(done == length || caller.fault_at < length || worker->tolerant, "short write");
        CHECK(done <= length && (caller.fault_at >= length || done <= caller.fault_at), "wrote too much");
        if (offset > model->size && done)
            memset(model->data + model->size, 0, offset - model->size);
        memcpy(model->data + offset, worker->buffer, done);
        if (done && offset + done > model->size)
            model->size = offset + done;
        if (done)
            model->modify_set = false;
    }
    node_release(inode);
}

static void do_truncate(struct worker *worker) {
    uint32_t node = file_random(worker);
    struct model_node *model = &worker->nodes[node];
    if (!node)
        return;
    uint64_t limit = worker->small_files ? 40000 : MODEL_FILE_BYTES;
    uint64_t size = below(worker, 3) == 0 ? below(worker, (uint32_t)limit) : below(worker, (uint32_t)model->size + 1);
    struct inode *inode = open_node(worker, node);
    if (!inode)
        return;
    changing(worker, node);
    if (accepted(worker, node_truncate(inode, size), ERR_OK, "truncate")) {
        if (size > model->size)
            memset(model->data + model->size, 0, size - model->size);
        model->size = size;
        model->modify_set = false;
    }
    node_release(inode);
}

static void compare_file(struct worker *worker, uint32_t node, struct inode *inode, uint64_t offset, uint64_t length,
                         struct node_stream *stream) {
    struct model_node *model = &worker->nodes[node];
    struct platform_caller caller = {worker->buffer, length, UINT64_MAX};
    uint64_t done, expected = offset >= model->size ? 0 : model->size - offset;
    expected = expected < length ? expected : length;
    error_t error = node_read(inode, stream, offset, length, &caller, 0, &done);
    if (worker->tolerant && (error || done < expected)) {
        CHECK(!error || error == ERR_IO || error == ERR_CORRUPT, "read gives %d", error);
        expected = done;
    } else {
        CHECK(!error && done == expected, "read at %lu gives %d and %lu, not %lu", (unsigned long)offset, error,
              (unsigned long)done, (unsigned long)expected);
    }
    if (worker->unsure || memcmp(worker->buffer, model->data + offset, expected) == 0)
        return;
    for (uint64_t i = 0; i < expected; i++)
        CHECK(worker->buffer[i] == model->data[offset + i], "worker %u node %u: byte %lu of %lu is %u, not %u", worker->id, node,
              (unsigned long)(offset + i), (unsigned long)model->size, worker->buffer[i], model->data[offset + i]);
}

static void do_read(struct worker *worker) {
    uint32_t node = file_random(worker);
    if (!node)
        return;
    struct inode *inode = open_node(worker, node);
    if (!inode)
        return;
    if (below(worker, 3) == 0) {
        struct node_stream stream = {0};
        uint64_t step = 512 + below(worker, 30000);
        for (uint64_t at = 0; at < worker->nodes[node].size; at += step)
            compare_file(worker, node, inode, at, step, &stream);
    } else {
        compare_file(worker, node, inode, below(worker, (uint32_t)worker->nodes[node].size + 100), 1 + below(worker, 100000),
                     NULL);
    }
    node_release(inode);
}

struct names {
    struct worker *worker;
    uint32_t directory, found, limit;
    uint64_t cursor;
};

static bool names_check(void *context, const struct node_entry *entry) {
    struct names *names = context;
    struct worker *worker = names->worker;
    char prefix[16];
    if (names->limit-- == 0)
        return false;
    int length = snprintf(prefix, sizeof prefix, "w%u.", worker->id);
    if (entry->name[0] == '.' || (names->directory == 1 && memcmp(entry->name, prefix, (size_t)length) != 0))
        return true;
    const struct model_entry *found = entry_find(worker, names->directory, entry->name, entry->length);
    CHECK(found || worker->unsure, "readdir shows %.*s", (int)entry->length, entry->name);
    CHECK(!found || worker->unsure || entry->type == 0 || entry->type == worker->nodes[found->node].type, "type of %s",
          found->name);
    names->found++;
    return true;
}

static void compare_directory(struct worker *worker, uint32_t node) {
    struct names names = {.worker = worker, .directory = node};
    uint32_t expected = 0;
    struct inode *inode = open_node(worker, node);
    if (!inode)
        return;
    uint64_t before;
    do { // a few names at a time, so that the cursor is used; others change the shared directory meanwhile
        names.limit = 1 + below(worker, 20);
        before = names.cursor;
        error_t error = node_readdir(inode, &names.cursor, names_check, &names);
        CHECK(!error || worker->tolerant, "readdir gives %d", error);
        if (error)
            worker->unsure = true;
    } while (names.cursor != before);
    node_release(inode);
    for (uint32_t i = 0; i < MODEL_ENTRIES; i++)
        expected += worker->entries[i].used && worker->entries[i].directory == node;
    CHECK(names.found == expected || worker->unsure, "readdir of node %u finds %u names, not %u", node, names.found, expected);
}

static void do_list(struct worker *worker) {
    compare_directory(worker, directory_random(worker));
}

static void do_attributes(struct worker *worker) {
    struct model_entry *entry = entry_random(worker);
    if (!entry)
        return;
    struct model_node *model = &worker->nodes[entry->node];
    struct inode *inode = open_node(worker, entry->node);
    if (!inode)
        return;
    // No set-group-id bits: directories would hand them on.
    struct node_attributes values = {.mode = below(worker, 010000) & 05777, .uid = (uint32_t)host_random_next(&worker->random)};
    values.modify.seconds = (int64_t)below(worker, 2000000000) + (below(worker, 4) == 0 ? 3000000000ll : 0);
    values.modify.nanoseconds = below(worker, 1000000000);
    if (accepted(worker, node_set_attributes(inode, NODE_SET_MODE | NODE_SET_UID | NODE_SET_MODIFY, &values), ERR_OK,
                 "set attributes")) {
        model->mode = values.mode;
        model->uid = values.uid;
        model->modify = values.modify;
        model->modify_set = model->type != NODE_DIRECTORY;
    }
    node_release(inode);
}

static void do_hold(struct worker *worker) {
    uint32_t node = file_random(worker);
    if (!node)
        return;
    struct model_node *model = &worker->nodes[node];
    if (!model->held) {
        model->held = open_node(worker, node);
        return;
    }
    struct inode *held = model->held;
    model->held = NULL;
    if (!model->links)
        model->type = 0;
    node_release(held);
}

static void do_fsync(struct worker *worker) {
    uint32_t node = file_random(worker);
    if (!node)
        return;
    struct inode *inode = open_node(worker, node);
    if (!inode)
        return;
    if (accepted(worker, node_fsync(inode), ERR_OK, "fsync")) {
        if (worker->fsynced && worker->nodes[node].links)
            worker->fsynced(worker, node);
    }
    node_release(inode);
}

void worker_run(void *argument) {
    struct worker *worker = argument;
    static void (*const operations[])(struct worker *) = {do_create, do_create, do_create,   do_write,      do_write,  do_write,
                                                          do_read,   do_read,   do_truncate, do_remove,     do_remove, do_rename,
                                                          do_rename, do_link,   do_list,     do_attributes, do_hold};
    for (uint32_t step = 0; step < worker->steps && !worker->unsure; step++) {
        if (below(worker, worker->fsynced ? 8 : 60) == 0)
            do_fsync(worker);
        else if (below(worker, 400) == 0)
            (void)accepted(worker, filesystem_synchronize(worker->fs), ERR_OK, "sync");
        else
            operations[below(worker, sizeof operations / sizeof operations[0])](worker);
        if (below(worker, 4) == 0)
            host_yield();
    }
}

void worker_let_go(void *argument) {
    struct worker *worker = argument;
    for (uint32_t i = 0; i < MODEL_NODES; i++) {
        struct model_node *model = &worker->nodes[i];
        if (!model->held)
            continue;
        struct inode *held = model->held;
        model->held = NULL;
        if (i >= 2 && !model->links)
            model->type = 0;
        node_release(held);
    }
}

static void verify_node(struct worker *worker, uint32_t node) {
    struct model_node *model = &worker->nodes[node];
    struct node_attributes a;
    struct inode *inode = open_node(worker, node);
    if (!inode)
        return;
    node_attributes(inode, &a);
    CHECK(node_type(inode) == model->type, "type of node %u", node);
    if (node >= 2 && !worker->unsure) {
        CHECK((a.mode & 07777) == model->mode, "mode of node %u: %o, not %o", node, a.mode, model->mode);
        CHECK(a.uid == model->uid, "owner of node %u", node);
        CHECK(model->type == NODE_DIRECTORY || a.links == model->links, "links of node %u: %u, not %u", node, a.links,
              model->links);
        CHECK(!model->modify_set || a.modify.seconds == model->modify.seconds ||
                  (model->modify.seconds > INT32_MAX && a.modify.seconds == INT32_MAX),
              "time of node %u: %ld, not %ld", node, (long)a.modify.seconds, (long)model->modify.seconds);
    }
    if (model->type == NODE_REGULAR) {
        struct node_stream stream = {0};
        CHECK(a.size == model->size || worker->unsure, "size of node %u: %lu, not %lu", node, (unsigned long)a.size,
              (unsigned long)model->size);
        for (uint64_t at = 0; at < model->size; at += 65536)
            compare_file(worker, node, inode, at, 65536, &stream);
    } else if (model->type == NODE_SYMLINK) {
        uint32_t length = 0;
        error_t error = node_readlink(inode, (char *)worker->buffer, 4096, &length);
        CHECK(worker->tolerant || (!error && length == model->size && memcmp(worker->buffer, model->data, length) == 0),
              "target of node %u", node);
    } else if (model->type == NODE_DIRECTORY) {
        compare_directory(worker, node);
    }
    node_release(inode);
}

void worker_verify(void *argument) {
    struct worker *worker = argument;
    for (uint32_t i = 0; i < MODEL_NODES && !worker->unsure; i++)
        if (worker->nodes[i].type)
            verify_node(worker, i);
}
