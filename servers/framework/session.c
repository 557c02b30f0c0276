// See session.h. A session that is closed while a handler still works for it is freed by that handler's end.
#include "servers/framework/session.h"

#include <stdlib.h>

#include "libipc/protocols/endpoint.h"
#include "servers/framework/heap_sessions.h"

struct file_server *file_server_active;

error_t session_restore(struct session *session) {
    return heap_sessions_restore(&file_server_active->sessions, session->badge, session);
}

// What it holds. May wait.
static void give_up(struct session *session, struct tree *tree) {
    if (session->kind == SESSION_FILE) {
        struct open_file *file = (struct open_file *)session;
        if (tree->ops->closed != NULL && (file->access & OPEN_FLAG_NODE) == 0)
            tree->ops->closed(file);
        poll_list_clear(&file->polls);
    } else if (((struct directory *)session)->ceiling != NULL) {
        tree->ops->release(((struct directory *)session)->ceiling);
    }
    tree->ops->release(session->node);
}

void session_detach(struct session *session) {
    struct tree *tree = session->tree;
    session->tree = NULL; // who finds it meanwhile is told
    if (tree != NULL)
        give_up(session, tree);
}

// Nobody finds it any more.
static void session_free(struct session *session) {
    struct file_server *server = file_server_active; // another may be it afterwards
    if (session->tree != NULL)
        give_up(session, session->tree);
    struct session **place = &server->leaving;
    while (*place != session)
        place = &(*place)->next;
    *place = session->next;
    free(session);
}

void session_leave(struct session *session) {
    if (server_serves(session->badge))
        return;
    if (session->is_closed)
        session_free(session);
    else
        session_detach(session);
}

void session_close(struct session *session) {
    struct file_server *server = file_server_active;
    if (session_table_remove(&server->sessions, session->badge) == NULL)
        return;
    if (session->kind == SESSION_LOAN) {
        ((struct loan *)session)->ended((struct loan *)session);
        return;
    }
    session->next = server->leaving;
    server->leaving = session;
    if (server_serves(session->badge))
        session->is_closed = true;
    else
        session_free(session);
}

// Enters a session, whose node and ceiling are held by it from now on, and makes its capability. On error it
// is freed.
static error_t session_publish(struct session *session, cap_t *capability) {
    error_t error = heap_sessions_add(&file_server_active->sessions, session, &session->badge);
    if (error != ERR_OK) {
        session_detach(session);
        free(session);
        return error;
    }
    error = server_create_session(&file_server_active->server, session->badge, capability);
    if (error != ERR_OK)
        session_close(session);
    return error;
}

static void session_hold(struct session *session, enum session_kind kind, struct tree *tree, struct tree_node *node) {
    *session = (struct session){.kind = kind, .tree = tree, .node = node};
    tree->ops->hold(node);
}

static error_t create(struct tree *tree, struct tree_node *node, struct tree_node *ceiling, bool is_direct, cap_t *session) {
    struct directory *directory = calloc(1, sizeof(*directory));
    if (directory == NULL)
        return ERR_NO_MEMORY;
    session_hold(&directory->session, SESSION_DIRECTORY, tree, node);
    directory->session.is_direct = is_direct;
    directory->ceiling = ceiling;
    if (ceiling != NULL)
        tree->ops->hold(ceiling);
    return session_publish(&directory->session, session);
}

error_t directory_create(struct tree *tree, struct tree_node *node, struct tree_node *ceiling, cap_t *session) {
    return create(tree, node, ceiling, false, session);
}

error_t directory_create_direct(struct tree *tree, struct tree_node *node, struct tree_node *ceiling, cap_t *session) {
    return create(tree, node, ceiling, true, session);
}

uint32_t tree_sessions(const struct tree *tree) {
    const struct session_table *table = &file_server_active->sessions;
    uint32_t count = 0;
    for (uint32_t i = 1; i < table->used; i++) {
        const struct session *session = table->entries[i].object;
        count += session != NULL && session->tree == tree && !session->is_direct;
    }
    for (const struct session *session = file_server_active->leaving; session != NULL; session = session->next)
        count += session->tree == tree;
    return count;
}

uint32_t directories_end_direct(struct tree *tree) {
    const struct session_table *table = &file_server_active->sessions;
    uint32_t count = 0;
    for (uint32_t i = 1; i < table->used; i++) {
        struct session *session = table->entries[i].object;
        if (session == NULL || session->tree != tree || !session->is_direct)
            continue;
        session->is_ended = true;
        if (!server_serves(session->badge))
            session_detach(session);
        else
            count++;
    }
    return count;
}

error_t open_file_create(struct tree *tree, struct tree_node *node, uint64_t flags, cap_t *session) {
    struct open_file *file = calloc(1, sizeof(*file));
    if (file == NULL)
        return ERR_NO_MEMORY;
    session_hold(&file->session, SESSION_FILE, tree, node);
    file->kind = tree->ops->kind(node);
    file->access = flags & (OPEN_FLAG_READ | OPEN_FLAG_WRITE | OPEN_FLAG_NODE);
    file->flags = ((flags & OPEN_FLAG_APPEND) != 0 ? FILE_FLAG_APPEND : 0) |
                  ((flags & OPEN_FLAG_NON_BLOCKING) != 0 ? FILE_FLAG_NON_BLOCKING : 0);
    if ((flags & OPEN_FLAG_NODE) == 0 && tree->ops->opened != NULL) {
        error_t error = tree->ops->opened(file);
        if (error != ERR_OK) {
            file->access |= OPEN_FLAG_NODE; // so that it is not closed
            session_detach(&file->session);
            free(file);
            return error;
        }
    }
    return session_publish(&file->session, session);
}

error_t loan_publish(struct loan *loan, cap_t *capability) {
    struct session_table *table = &file_server_active->sessions;
    loan->session = (struct session){.kind = SESSION_LOAN};
    error_t error = heap_sessions_add(table, loan, &loan->session.badge);
    if (error == ERR_OK) {
        error = server_create_session(&file_server_active->server, loan->session.badge, capability);
        if (error != ERR_OK)
            (void)session_table_remove(table, loan->session.badge);
    }
    return error;
}

error_t loan_restore(struct loan *loan, uint64_t badge) {
    loan->session = (struct session){.kind = SESSION_LOAN, .badge = badge};
    return heap_sessions_restore(&file_server_active->sessions, badge, loan);
}

error_t session_identify(cap_t capability, enum session_kind kind, struct session **result) {
    uint64_t badge;
    error_t error = endpoint_identify(file_server_active->server.endpoint, capability, &badge);
    if (error != ERR_OK)
        return ERR_WRONG_KIND;
    struct session *session = session_table_find(&file_server_active->sessions, badge);
    if (session == NULL || session->kind != kind || session->tree == NULL)
        return ERR_WRONG_KIND;
    *result = session;
    return ERR_OK;
}
