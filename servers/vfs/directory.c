// The directories that programs hold: each a node session of a file server, a mount and a root. Counted,
// since a request may still use one whose last capability goes.
#include <stdlib.h>
#include <string.h>

#include "libipc/client/slot.h"
#include "libipc/protocols/endpoint.h"
#include "servers/vfs/state.h"

struct directory *directory_of(const struct request *request) {
    if (request->badge >> 63 != 0)
        return &vfs.root;
    struct session *session = session_find(request->badge);
    return session != NULL && session->kind == SESSION_DIRECTORY ? (struct directory *)session : NULL;
}

error_t directory_identify(cap_t capability, struct directory **result) {
    uint64_t badge;
    if (endpoint_identify(vfs.server.endpoint, capability, &badge) != ERR_OK)
        return ERR_WRONG_KIND;
    struct request asked = {.badge = badge};
    *result = directory_of(&asked);
    return *result != NULL ? ERR_OK : ERR_WRONG_KIND;
}

void directory_hold(struct directory *directory) {
    directory->references++;
}

void directory_drop(struct directory *directory) {
    while (--directory->references == 0 && directory != &vfs.root) {
        struct directory *root = directory->root;
        slot_release(directory->node);
        directory->mount->users--;
        free(directory->name);
        free(directory);
        if (root == directory)
            return;
        directory = root;
    }
}

error_t directory_make(struct mount *mount, cap_t node, const char *name, size_t name_length, struct directory *root,
                       cap_t *session) {
    struct directory *directory = calloc(1, sizeof(*directory));
    char *copy = malloc(name_length);
    if (directory == NULL || copy == NULL) {
        free(directory);
        free(copy);
        slot_release(node);
        return ERR_NO_MEMORY;
    }
    memcpy(copy, name, name_length);
    *directory = (struct directory){.references = 1, .mount = mount, .node = node, .name = copy, .name_length = name_length};
    mount->users++;
    directory->root = directory;
    if (root != NULL) {
        directory->root = root;
        directory_hold(root);
    }
    error_t error = session_publish(&directory->session, session);
    if (error != ERR_OK)
        directory_drop(directory);
    return error;
}

error_t directory_locate(const struct directory *directory, char *text, size_t size, size_t *length) {
    char *inside = malloc(PATH_BYTES_MAX);
    uint64_t count = 0;
    if (inside == NULL)
        return ERR_NO_MEMORY;
    error_t error = directory_path(directory->node, inside, PATH_BYTES_MAX, &count);
    const char *from = directory->mount->name;
    *length = directory->mount->name_length;
    if (error == ERR_NOT_SUPPORTED) { // its server can't tell: where it was when it was walked to
        from = directory->name;
        *length = directory->name_length;
        count = 0;
        error = ERR_OK;
    }
    if (error == ERR_OK && (*length > size || count > PATH_BYTES_MAX))
        error = ERR_NAME_TOO_LONG;
    if (error == ERR_OK) {
        memcpy(text, from, *length);
        error = path_append(text, length, size, inside, count);
    }
    free(inside);
    return error;
}
