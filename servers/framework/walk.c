// See walk.h. The node that the walk is at is held all the time, so it lives on whatever others remove
// meanwhile; by the walk itself from the first step on, if the start is lent. The walk lies on its caller's stack, and what is
// KEPT_UNNOTED here stores to nothing else.
#include "servers/framework/walk.h"

#include "libipc/kept/undo.h"

KEPT_UNNOTED static void step_to(struct tree_walk *walk, struct tree_node *node) {
    if (!walk->is_lent)
        walk->tree->ops->release(walk->node);
    walk->is_lent = false;
    walk->node = node;
}

// True: the walk ends here, since something is mounted on the node.
KEPT_UNNOTED static bool stops_at_cover(struct tree_walk *walk) {
    walk->mount = tree_cover_find(walk->tree, walk->node);
    if (walk->mount != 0)
        walk->stop = WALK_STOP_COVERED;
    return walk->mount != 0;
}

KEPT_UNNOTED static error_t walk_up(struct tree_walk *walk, const struct path_step *step) {
    if (walk->node == walk->tree->root || walk->node == walk->ceiling) {
        walk->stop = WALK_STOP_ABOVE;
        return ERR_OK;
    }
    struct tree_node *parent;
    error_t error = walk->tree->ops->parent(walk->node, &parent);
    if (error != ERR_OK)
        return error;
    step_to(walk, parent);
    walk->consumed = stops_at_cover(walk) ? step->name_end : step->end;
    return ERR_OK;
}

KEPT_UNNOTED static error_t walk_down(struct tree_walk *walk, const struct path_step *step, uint64_t flags) {
    const struct tree_ops *ops = walk->tree->ops;
    if (step->length > PATH_NAME_MAX)
        return ERR_NAME_TOO_LONG;
    struct tree_node *child;
    error_t error = ops->lookup(walk->node, step->name, step->length, &child);
    if (error != ERR_OK)
        return error;
    bool at_end = step->is_last && !step->wants_directory;
    if (ops->kind(child) == FILE_KIND_SYMLINK && !(at_end && (flags & PATH_FLAG_NO_FOLLOW) != 0)) {
        ops->release(child);
        walk->stop = WALK_STOP_SYMLINK;
        walk->consumed = step->name_end;
        return ERR_OK;
    }
    step_to(walk, child);
    if (step->wants_directory && ops->kind(child) != FILE_KIND_DIRECTORY)
        return ERR_NOT_DIRECTORY;
    walk->consumed = stops_at_cover(walk) ? step->name_end : step->end;
    return ERR_OK;
}

KEPT_UNNOTED error_t tree_walk(struct tree_walk *walk, uint64_t flags) {
    const struct tree_ops *ops = walk->tree->ops;
    struct path_step step;
    error_t error = ERR_OK;
    walk->consumed = 0;
    walk->stop = WALK_STOP_DONE;
    walk->mount = 0;
    if (!walk->is_lent)
        ops->hold(walk->node);
    bool at_parent = false;
    while (error == ERR_OK && walk->stop == WALK_STOP_DONE && !at_parent &&
           path_next(walk->path, walk->length, walk->consumed, &step)) {
        if (ops->kind(walk->node) != FILE_KIND_DIRECTORY)
            error = ERR_NOT_DIRECTORY;
        else if (step.is_last && (flags & PATH_FLAG_PARENT) != 0)
            at_parent = true;
        else if (path_step_is_dot(&step))
            walk->consumed = step.end;
        else if (path_step_is_dots(&step))
            error = walk_up(walk, &step);
        else
            error = walk_down(walk, &step, flags);
    }
    if (walk->stop == WALK_STOP_DONE && !at_parent)
        walk->consumed = walk->length;
    bool held = !walk->is_lent;
    walk->is_lent = false;
    if (error != ERR_OK && held)
        ops->release(walk->node);
    else if (error == ERR_OK && !held)
        ops->hold(walk->node);
    return error;
}
