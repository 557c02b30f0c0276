// The protocol `filesystem`: attaching and detaching trees, for vfs.
#include <stdlib.h>
#include <string.h>

#include "libipc/client/slot.h"
#include "servers/framework/dispatch.h"
#include "servers/framework/path.h"
#include "servers/framework/session.h"

enum { SOURCE_BYTES = 1024 };

void file_server_enter_tree(struct tree *tree, uint64_t device) {
    tree->device = device;
    tree->next = file_server_active->trees;
    file_server_active->trees = tree;
}

static void tree_enter(struct tree *tree) {
    struct file_server *server = file_server_active;
    // Unique since boot if server names differ in their hash: the upper half is made from the name.
    if (server->last_device == 0)
        server->last_device = (startup_badge(server->name) & 0x7fffffff) << 8;
    tree->device = ++server->last_device;
    tree->next = server->trees;
    server->trees = tree;
}

static error_t tree_attach(struct request *request, const char *source, uint64_t flags, cap_t device, struct tree **tree) {
    struct file_server *server = file_server_active;
    if (server->attach == NULL) {
        if (server->only_tree->device == 0)
            tree_enter(server->only_tree);
        *tree = server->only_tree;
        return ERR_OK;
    }
    const char *options = source + strlen(source) + 1;
    error_t error = server->attach(request, source, options, flags, device, tree);
    file_server_active = server;
    if (error != ERR_OK)
        return error;
    (*tree)->flags |= flags;
    tree_enter(*tree);
    return ERR_OK;
}

static error_t tree_drop(struct tree *tree) {
    struct file_server *server = file_server_active;
    tree_covers_drop(tree);
    for (struct tree **place = &server->trees; *place != NULL; place = &(*place)->next) {
        if (*place == tree) {
            *place = tree->next;
            break;
        }
    }
    tree->ops->release(tree->root);
    return server->detach(tree);
}

static error_t handle_attach(struct request *request, const struct filesystem_attach_in *in, struct filesystem_attach_out *out) {
    if (in->source_size > SOURCE_BYTES)
        return ERR_INVALID;
    char *source = calloc(1, SOURCE_BYTES + 2); // the name ends at the first NUL, the options at the last
    if (source == NULL)
        return ERR_NO_MEMORY;
    struct tree *tree = NULL;
    error_t error = request_copy_in(request, 0, source, in->source_size);
    if (error == ERR_OK)
        error = tree_attach(request, source, in->flags, in->device, &tree);
    free(source);
    if (error != ERR_OK)
        return error;
    error = directory_create(tree, tree->root, NULL, &out->root);
    if (error != ERR_OK && file_server_active->attach != NULL) {
        error_t ignored = tree_drop(tree);
        (void)ignored;
    }
    out->flags = tree->flags;
    return error;
}

static error_t handle_detach(struct request *request, const struct filesystem_detach_in *in, struct filesystem_detach_out *out) {
    (void)request;
    (void)out;
    struct session *session;
    error_t error = session_identify(in->root, SESSION_DIRECTORY, &session);
    if (error != ERR_OK)
        return error;
    struct tree *tree = session->tree;
    if (session->node != tree->root)
        return ERR_WRONG_KIND;
    if (tree == file_server_active->only_tree) { // others may use it; it costs nothing
        (void)directories_end_direct(tree);
        return ERR_OK;
    }
    if (tree_sessions(tree) > 1 || server_serves(session->badge))
        return ERR_BUSY;
    if (directories_end_direct(tree) != 0)
        return ERR_BUSY; // a program is asking just now
    session_detach(session);
    return tree_drop(tree);
}

static error_t handle_sync(struct request *request, const struct filesystem_sync_in *in, struct filesystem_sync_out *out) {
    (void)request;
    (void)in;
    (void)out;
    error_t result = ERR_OK;
    for (struct tree *tree = file_server_active->trees; tree != NULL; tree = tree->next) {
        if (tree->ops->sync_tree == NULL)
            continue;
        error_t error = tree->ops->sync_tree(tree);
        if (result == ERR_OK)
            result = error;
    }
    return result;
}

static error_t handle_cache(struct request *request, const struct filesystem_cache_in *in, struct filesystem_cache_out *out) {
    (void)request;
    (void)in;
    return file_server_active->cache != NULL ? file_server_active->cache(&out->status) : ERR_OK;
}

static error_t handle_show_mounts(struct request *request, const struct filesystem_show_mounts_in *in,
                                  struct filesystem_show_mounts_out *out) {
    (void)out;
    if (file_server_active->show_mounts == NULL)
        return ERR_NOT_SUPPORTED;
    file_server_active->show_mounts(request_keep(request, in->picture));
    return ERR_OK;
}

const struct filesystem_ops tree_filesystem_ops = {.show_mounts = handle_show_mounts,
                                                   .attach = handle_attach,
                                                   .detach = handle_detach,
                                                   .sync = handle_sync,
                                                   .cache = handle_cache};
