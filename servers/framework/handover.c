// Sessions and covers as records for another build of the same server (libipc/server/handover.h). A session's
// record says what a client can tell: the node, access, flags, offset. Nodes are named by tree_ops.identity.
#include <stdlib.h>

#include "servers/framework/heap_sessions.h"
#include "servers/framework/session.h"

enum { CLASS_SERVER = 1, CLASS_SESSION = 2, CLASS_COVER = 3, VERSION = 1 };

struct server_record {
    uint64_t last_device;
};

struct session_record { // under its badge
    uint64_t device;    // of its tree; 0: it was detached, and answers ERR_STALE
    uint64_t node;
    uint64_t ceiling; // of a directory, if has_ceiling
    uint64_t offset, access, flags;
    uint8_t session_kind, file_kind;
    uint8_t is_stream, has_ceiling, is_direct;
    uint8_t padding[3];
};

struct cover_record { // under the mount's number
    uint64_t device, node;
};

struct tree *file_server_tree(uint64_t device) {
    struct tree *tree = file_server_active->trees;
    while (tree != NULL && tree->device != device)
        tree = tree->next;
    return tree;
}

// --- giving ---

static error_t give_session(struct handover *handover, const struct session *session) {
    if (session->kind == SESSION_LOAN)
        return file_server_active->give_loan(handover, (const struct loan *)session);
    struct session_record record = {.session_kind = (uint8_t)session->kind, .is_direct = session->is_direct};
    const struct tree_ops *ops = session->tree != NULL && !session->is_ended ? session->tree->ops : NULL;
    const struct directory *directory = (const struct directory *)session;
    const struct open_file *file = (const struct open_file *)session;
    if (ops != NULL) {
        record.device = session->tree->device;
        record.node = ops->identity(session->node);
    }
    if (ops != NULL && session->kind == SESSION_DIRECTORY && directory->ceiling != NULL) {
        record.has_ceiling = true;
        record.ceiling = ops->identity(directory->ceiling);
    }
    if (session->kind == SESSION_FILE) {
        record.offset = file->offset;
        record.access = file->access;
        record.flags = file->flags;
        record.file_kind = file->kind;
        record.is_stream = file->is_stream;
    }
    error_t error = handover_put(handover, CLASS_SESSION, VERSION, session->badge, &record, sizeof(record));
    if (error == ERR_OK && session->kind == SESSION_FILE)
        error = poll_list_give(&file->polls, handover, session->badge);
    return error;
}

static error_t give_sessions(struct handover *handover) {
    const struct session_table *table = &file_server_active->sessions;
    error_t error = ERR_OK;
    for (uint32_t i = 1; i < table->used && error == ERR_OK; i++)
        if (table->entries[i].object != NULL)
            error = give_session(handover, table->entries[i].object);
    return error;
}

static error_t give_covers(struct handover *handover, const struct tree *tree) {
    error_t error = ERR_OK;
    for (const struct tree_cover *cover = tree->covers; cover != NULL && error == ERR_OK; cover = cover->next) {
        const struct cover_record record = {tree->device, tree->ops->identity(cover->node)};
        error = handover_put(handover, CLASS_COVER, VERSION, cover->mount, &record, sizeof(record));
    }
    return error;
}

// Twice: the second time writes what was changed during the first, which took longer.
void file_server_prepare_handover(void) {
    for (int round = 0; round < 2; round++)
        for (struct tree *tree = file_server_active->trees; tree != NULL; tree = tree->next) {
            error_t ignored = tree->ops->sync_tree != NULL ? tree->ops->sync_tree(tree) : ERR_OK;
            (void)ignored;
        }
}

error_t file_server_give(struct handover *handover) {
    struct file_server *server = file_server_active;
    const struct server_record record = {server->last_device};
    for (const struct tree *tree = server->trees; tree != NULL; tree = tree->next)
        if (tree->ops->identity == NULL)
            return ERR_NOT_SUPPORTED;
    error_t error = server->give_trees != NULL ? server->give_trees(handover) : ERR_OK;
    if (error == ERR_OK)
        error = handover_put(handover, CLASS_SERVER, VERSION, 0, &record, sizeof(record));
    for (const struct tree *tree = server->trees; tree != NULL && error == ERR_OK; tree = tree->next)
        error = give_covers(handover, tree);
    return error == ERR_OK ? give_sessions(handover) : error;
}

// --- taking ---

// A node that can't be found again, because the tree is damaged, leaves a session that answers ERR_STALE.
static error_t take_node(struct tree *tree, uint64_t identity, struct tree_node **node) {
    error_t error = tree->ops->find(tree, identity, node);
    if (error != ERR_OK)
        *node = NULL;
    return error == ERR_NO_MEMORY ? error : ERR_OK;
}

static error_t fill_file(struct open_file *file, const struct session_record *record) {
    file->offset = record->offset;
    file->access = record->access;
    file->flags = record->flags;
    file->kind = record->file_kind;
    if (file->session.tree != NULL && (file->access & OPEN_FLAG_NODE) == 0 && file->session.tree->ops->opened != NULL) {
        error_t error = file->session.tree->ops->opened(file);
        if (error != ERR_OK)
            return error;
    }
    file->is_stream = record->is_stream;
    return ERR_OK;
}

static error_t take_session(uint64_t badge, const struct session_record *record) {
    struct session *session =
        calloc(1, record->session_kind == SESSION_FILE ? sizeof(struct open_file) : sizeof(struct directory));
    if (session == NULL)
        return ERR_NO_MEMORY;
    struct tree *tree = record->device != 0 ? file_server_tree(record->device) : NULL;
    session->kind = record->session_kind == SESSION_FILE ? SESSION_FILE : SESSION_DIRECTORY;
    session->badge = badge;
    session->is_direct = record->is_direct;
    error_t error = tree != NULL ? take_node(tree, record->node, &session->node) : ERR_OK;
    if (session->node != NULL)
        session->tree = tree;
    if (error == ERR_OK && session->tree != NULL && record->has_ceiling)
        error = take_node(tree, record->ceiling, &((struct directory *)session)->ceiling);
    if (error == ERR_OK && session->kind == SESSION_FILE)
        error = fill_file((struct open_file *)session, record);
    return error == ERR_OK ? session_restore(session) : error;
}

static error_t take_sessions(struct handover *handover) {
    struct handover_view view = {0};
    struct session_record record;
    error_t error;
    while ((error = handover_next(handover, CLASS_SESSION, &view)) == ERR_OK) {
        error = handover_read(&view, VERSION, &record, sizeof(record));
        if (error == ERR_OK)
            error = take_session(view.view.key, &record);
        if (error != ERR_OK)
            return error;
    }
    return ERR_OK;
}

static error_t take_covers(struct handover *handover) {
    struct handover_view view = {0};
    struct cover_record record;
    while (handover_next(handover, CLASS_COVER, &view) == ERR_OK) {
        struct tree_node *node;
        error_t error = handover_read(&view, VERSION, &record, sizeof(record));
        struct tree *tree = error == ERR_OK ? file_server_tree(record.device) : NULL;
        if (tree == NULL)
            return ERR_CORRUPT;
        error = tree->ops->find(tree, record.node, &node);
        if (error != ERR_OK)
            return error;
        error = tree_cover_set(tree, node, view.view.key);
        tree->ops->release(node);
        if (error != ERR_OK)
            return error;
    }
    return ERR_OK;
}

static struct poll_list *polls_of(uint64_t badge) {
    struct session *session = session_table_find(&file_server_active->sessions, badge);
    return session != NULL && session->kind == SESSION_FILE ? &((struct open_file *)session)->polls : NULL;
}

error_t file_server_take(struct handover *handover) {
    struct file_server *server = file_server_active;
    struct server_record record;
    error_t error = handover_read_first(handover, CLASS_SERVER, VERSION, &record, sizeof(record));
    if (error != ERR_OK)
        return error;
    server->last_device = record.last_device;
    if (server->take_trees != NULL)
        error = server->take_trees(handover);
    if (server->only_tree != NULL && record.last_device != 0)
        file_server_enter_tree(server->only_tree, record.last_device);
    if (error == ERR_OK)
        error = take_covers(handover);
    if (error == ERR_OK)
        error = take_sessions(handover);
    if (error == ERR_OK)
        error = poll_lists_take(handover, polls_of);
    if (error == ERR_OK && server->taken != NULL)
        server->taken();
    heap_sessions_avoid_unknown(&server->sessions, server->server.endpoint);
    return error;
}
