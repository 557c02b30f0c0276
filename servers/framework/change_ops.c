// The protocol `directory`, the half that changes the tree: making, linking, renaming and removing names.
#include "servers/framework/dispatch.h"
#include "servers/framework/session.h"
#include "servers/framework/walk.h"

// A directory, held, and a name in it.
struct place {
    struct tree_node *directory;
    struct path_step step;
};

// Finds the directory in which the last name of text[offset..length) lies. `no_name`: the error if there is
// no last name, or it is "." or "..". `is_asked`: `from` is the session that the request came by.
static error_t place_find(const struct directory *from, bool is_asked, const char *text, size_t length, error_t no_name,
                          struct place *place) {
    struct tree *tree = from->session.tree;
    struct tree_walk walk = {.tree = tree, .node = from->session.node, .ceiling = from->ceiling, .path = text, .length = length};
    walk.is_lent = is_asked;
    error_t error = tree_walk(&walk, PATH_FLAG_PARENT);
    if (error != ERR_OK)
        return error;
    if (walk.stop != WALK_STOP_DONE)
        error = ERR_PATH_STOPS;
    else if (!path_next(text, length, walk.consumed, &place->step))
        error = no_name;
    else if (path_step_is_dot(&place->step) || path_step_is_dots(&place->step))
        error = no_name;
    else if (place->step.length > PATH_NAME_MAX)
        error = ERR_NAME_TOO_LONG;
    place->directory = walk.node;
    if (error != ERR_OK)
        tree->ops->release(walk.node);
    return error;
}

// Where nothing can be changed, what is wrong with the name is said first: `present` if it is there, else
// `missing`.
static error_t check_writable(struct tree *tree, const struct place *place, bool has_operation, error_t present,
                              error_t missing) {
    struct tree_node *node;
    if (has_operation && !tree_is_read_only(tree))
        return ERR_OK;
    error_t error = tree->ops->lookup(place->directory, place->step.name, place->step.length, &node);
    if (error == ERR_OK)
        tree->ops->release(node);
    return error == ERR_OK ? present : error == ERR_NOT_FOUND ? missing : error;
}

// ERR_BUSY if something is mounted on the name.
static error_t check_uncovered(struct tree *tree, const struct place *place) {
    struct tree_node *node;
    if (tree->covers == NULL)
        return ERR_OK;
    error_t error = tree->ops->lookup(place->directory, place->step.name, place->step.length, &node);
    if (error != ERR_OK)
        return error == ERR_NOT_FOUND ? ERR_OK : error;
    error = tree_cover_find(tree, node) != 0 ? ERR_BUSY : ERR_OK;
    tree->ops->release(node);
    return error;
}

static const struct tree_cover *cover_at(const struct tree *tree, unsigned index) {
    const struct tree_cover *cover = tree->covers;
    while (cover != NULL && index-- != 0)
        cover = cover->next;
    return cover;
}

// ERR_BUSY if something is mounted below the directory that the name means: a mount's name must not change.
static error_t check_nothing_covered_below(struct tree *tree, const struct place *place) {
    struct tree_node *top;
    if (tree->covers == NULL)
        return ERR_OK;
    error_t error = tree->ops->lookup(place->directory, place->step.name, place->step.length, &top);
    if (error != ERR_OK)
        return error;
    const struct tree_cover *cover;
    for (unsigned i = 0; error == ERR_OK && (cover = cover_at(tree, i)) != NULL; i++) {
        struct tree_node *node = cover->node, *parent;
        tree->ops->hold(node);
        while (node != tree->root && node != top && tree->ops->parent(node, &parent) == ERR_OK) {
            tree->ops->release(node);
            node = parent;
        }
        if (node == top)
            error = ERR_BUSY;
        tree->ops->release(node);
    }
    tree->ops->release(top);
    return error;
}

static error_t create(struct request *request, uint64_t start, const struct tree_creation *creation) {
    struct directory *from = request_directory(request);
    const struct tree_ops *ops = from->session.tree->ops;
    struct path_text path;
    struct place place;
    struct tree_node *made;
    error_t error = path_text_copy_in(&path, request, start);
    if (error == ERR_OK)
        error = place_find(from, true, path.text, path.length, ERR_EXISTS, &place);
    if (error == ERR_OK) {
        error = check_writable(from->session.tree, &place, ops->create != NULL, ERR_EXISTS, ERR_READ_ONLY);
        if (error == ERR_OK && place.step.wants_directory && creation->kind != FILE_KIND_DIRECTORY)
            error = ERR_NOT_FOUND;
        if (error == ERR_OK)
            error = ops->create(place.directory, place.step.name, place.step.length, creation, &made);
        if (error == ERR_OK)
            ops->release(made);
        ops->release(place.directory);
    }
    path_text_free(&path);
    return error;
}

error_t tree_make_directory(struct request *request, const struct directory_make_directory_in *in,
                            struct directory_make_directory_out *out) {
    (void)out;
    struct tree_creation creation = {.kind = FILE_KIND_DIRECTORY, .mode = (uint16_t)(in->mode & 07777)};
    return create(request, in->start, &creation);
}

error_t tree_make_node(struct request *request, const struct directory_make_node_in *in, struct directory_make_node_out *out) {
    (void)out;
    if (in->kind < FILE_KIND_REGULAR || in->kind > FILE_KIND_SOCKET || in->kind == FILE_KIND_DIRECTORY ||
        in->kind == FILE_KIND_SYMLINK)
        return ERR_NOT_SUPPORTED;
    struct tree_creation creation = {
        .kind = (uint8_t)in->kind, .mode = (uint16_t)(in->mode & 07777), .represents = in->represents};
    return create(request, in->start, &creation);
}

error_t tree_make_symlink(struct request *request, const struct directory_make_symlink_in *in,
                          struct directory_make_symlink_out *out) {
    (void)out;
    struct directory *from = request_directory(request);
    const struct tree_ops *ops = from->session.tree->ops;
    struct path_text paths;
    struct place place;
    size_t first;
    error_t error = path_text_copy_in_pair(&paths, request, &first);
    if (error == ERR_OK && (in->start <= first || in->start > paths.length))
        error = ERR_INVALID;
    if (error == ERR_OK && (first == 0 || first > PATH_BYTES_MAX - 1))
        error = first == 0 ? ERR_NOT_FOUND : ERR_NAME_TOO_LONG;
    if (error == ERR_OK)
        error = place_find(from, true, paths.text + in->start, paths.length - in->start, ERR_EXISTS, &place);
    if (error == ERR_OK) {
        error = check_writable(from->session.tree, &place, ops->make_symlink != NULL, ERR_EXISTS, ERR_READ_ONLY);
        if (error == ERR_OK && place.step.wants_directory)
            error = ERR_NOT_FOUND;
        if (error == ERR_OK)
            error = ops->make_symlink(place.directory, place.step.name, place.step.length, paths.text, first);
        ops->release(place.directory);
    }
    path_text_free(&paths);
    return error;
}

// The session that the second path of a two-path method starts at.
static error_t second_directory(struct directory *from, cap_t capability, struct directory **result) {
    struct session *session;
    *result = from;
    if (capability == 0)
        return ERR_OK;
    error_t error = session_identify(capability, SESSION_DIRECTORY, &session);
    if (error != ERR_OK || session->tree != from->session.tree)
        return ERR_CROSS_DEVICE;
    *result = (struct directory *)session;
    return ERR_OK;
}

// Both paths of rename and make_link, as text: starts count from the beginning of `paths`.
static error_t pair_copy_in(struct path_text *paths, struct request *request, uint64_t start, uint64_t new_start, size_t *first) {
    error_t error = path_text_copy_in_pair(paths, request, first);
    if (error == ERR_OK && (start > *first || new_start <= *first || new_start > paths->length))
        return ERR_INVALID;
    return error;
}

static error_t link_existing(struct directory *from, const struct path_text *paths, uint64_t start, size_t first, uint64_t flags,
                             const struct place *place) {
    struct tree *tree = from->session.tree;
    struct tree_walk walk = {.tree = tree, .node = from->session.node, .ceiling = from->ceiling, .is_lent = true};
    walk.path = paths->text + start;
    walk.length = first - start;
    error_t error = tree_walk(&walk, flags & PATH_FLAG_NO_FOLLOW);
    if (error != ERR_OK)
        return error;
    if (walk.stop != WALK_STOP_DONE)
        error = ERR_PATH_STOPS;
    else if (tree->ops->kind(walk.node) == FILE_KIND_DIRECTORY)
        error = ERR_NOT_PERMITTED;
    else if (place->step.wants_directory)
        error = ERR_NOT_FOUND;
    else
        error = check_writable(tree, place, tree->ops->link != NULL, ERR_EXISTS, ERR_READ_ONLY);
    if (error == ERR_OK)
        error = tree->ops->link(place->directory, place->step.name, place->step.length, walk.node);
    tree->ops->release(walk.node);
    return error;
}

error_t tree_make_link(struct request *request, const struct directory_make_link_in *in, struct directory_make_link_out *out) {
    (void)out;
    struct directory *from = request_directory(request), *to;
    struct path_text paths;
    struct place place;
    size_t first;
    error_t error = pair_copy_in(&paths, request, in->start, in->new_start, &first);
    if (error == ERR_OK)
        error = second_directory(from, in->new_directory, &to);
    if (error == ERR_OK)
        error = place_find(to, to == from, paths.text + in->new_start, paths.length - in->new_start, ERR_EXISTS, &place);
    if (error == ERR_OK) {
        error = link_existing(from, &paths, in->start, first, in->flags, &place);
        from->session.tree->ops->release(place.directory);
    }
    path_text_free(&paths);
    return error;
}

static error_t rename_place(struct tree *tree, const struct place *old, const struct place *new, uint64_t flags) {
    error_t error = check_writable(tree, old, tree->ops->rename != NULL, ERR_READ_ONLY, ERR_NOT_FOUND);
    if (error == ERR_OK)
        error = check_nothing_covered_below(tree, old);
    if (error == ERR_OK)
        error = check_uncovered(tree, new);
    if (error == ERR_OK && (old->step.wants_directory || new->step.wants_directory)) {
        struct tree_node *node; // a slash after either name: a directory must be meant
        error = tree->ops->lookup(old->directory, old->step.name, old->step.length, &node);
        if (error == ERR_OK) {
            error = tree->ops->kind(node) == FILE_KIND_DIRECTORY ? ERR_OK : ERR_NOT_DIRECTORY;
            tree->ops->release(node);
        }
    }
    if (error != ERR_OK)
        return error;
    return tree->ops->rename(old->directory, old->step.name, old->step.length, new->directory, new->step.name, new->step.length,
                             flags & (RENAME_FLAG_NO_REPLACE | RENAME_FLAG_EXCHANGE));
}

error_t tree_rename(struct request *request, const struct directory_rename_in *in, struct directory_rename_out *out) {
    (void)out;
    struct directory *from = request_directory(request), *to;
    struct tree *tree = from->session.tree;
    struct path_text paths;
    struct place old, new;
    size_t first;
    error_t error = pair_copy_in(&paths, request, in->start, in->new_start, &first);
    if (error == ERR_OK)
        error = second_directory(from, in->new_directory, &to);
    if (error == ERR_OK)
        error = place_find(from, true, paths.text + in->start, first - in->start, ERR_BUSY, &old);
    if (error == ERR_OK) {
        error = place_find(to, to == from, paths.text + in->new_start, paths.length - in->new_start, ERR_BUSY, &new);
        if (error == ERR_OK) {
            error = rename_place(tree, &old, &new, in->flags);
            tree->ops->release(new.directory);
        }
        tree->ops->release(old.directory);
    }
    path_text_free(&paths);
    return error;
}

static error_t unlink_place(struct tree *tree, const struct place *place, uint64_t flags) {
    const struct path_step *step = &place->step;
    error_t error = check_writable(tree, place, tree->ops->unlink != NULL, ERR_READ_ONLY, ERR_NOT_FOUND);
    if (error == ERR_OK)
        error = check_uncovered(tree, place);
    if (error != ERR_OK)
        return error;
    if ((flags & UNLINK_FLAG_DIRECTORY) != 0)
        return tree->ops->remove_directory != NULL ? tree->ops->remove_directory(place->directory, step->name, step->length)
                                                   : ERR_READ_ONLY;
    if (step->wants_directory) {
        struct tree_node *node;
        error = tree->ops->lookup(place->directory, step->name, step->length, &node);
        if (error != ERR_OK)
            return error;
        error = tree->ops->kind(node) == FILE_KIND_DIRECTORY ? ERR_IS_DIRECTORY : ERR_NOT_DIRECTORY;
        tree->ops->release(node);
        return error;
    }
    return tree->ops->unlink != NULL ? tree->ops->unlink(place->directory, step->name, step->length) : ERR_READ_ONLY;
}

error_t tree_unlink(struct request *request, const struct directory_unlink_in *in, struct directory_unlink_out *out) {
    (void)out;
    struct directory *from = request_directory(request);
    struct tree *tree = from->session.tree;
    bool is_directory = (in->flags & UNLINK_FLAG_DIRECTORY) != 0;
    struct path_text path;
    struct place place;
    error_t error = path_text_copy_in(&path, request, in->start);
    if (error == ERR_OK)
        error = place_find(from, true, path.text, path.length, is_directory ? ERR_INVALID : ERR_IS_DIRECTORY, &place);
    if (error == ERR_OK) {
        error = unlink_place(tree, &place, in->flags);
        tree->ops->release(place.directory);
    }
    path_text_free(&path);
    return error;
}
