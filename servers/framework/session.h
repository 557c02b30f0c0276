// Making, finding and ending sessions of a file server. For the framework's handlers alone.
#pragma once

#include "servers/framework/file_server.h"

// The server whose request is being dispatched.
extern struct file_server *file_server_active;

// The session of a request, of the kind that its dispatcher has checked.
static inline struct directory *request_directory(const struct request *request) {
    return session_table_find(&file_server_active->sessions, request->badge);
}
static inline struct open_file *request_file(const struct request *request) {
    return session_table_find(&file_server_active->sessions, request->badge);
}

// A session for `node`, which is held anew. The capability is to be moved to the caller.
MUST_USE error_t directory_create(struct tree *tree, struct tree_node *node, struct tree_node *ceiling, cap_t *session);
// The same for a program itself, see directory.direct.
MUST_USE error_t directory_create_direct(struct tree *tree, struct tree_node *node, struct tree_node *ceiling, cap_t *session);
// How many sessions the tree has: all but the direct ones, and those that leave.
uint32_t tree_sessions(const struct tree *tree);
// The tree's direct ones answer ERR_STALE from now on. How many of them a handler works for still.
uint32_t directories_end_direct(struct tree *tree);
// The same for an open file; `flags`: enum open_flag, checked already.
MUST_USE error_t open_file_create(struct tree *tree, struct tree_node *node, uint64_t flags, cap_t *session);

// The session behind a capability that a caller sent; ERR_WRONG_KIND if it is none of this server's, or of
// the other kind.
MUST_USE error_t session_identify(cap_t capability, enum session_kind kind, struct session **result);

// handover.c: all of it to the next build, and from the one before.
void file_server_prepare_handover(void);
MUST_USE error_t file_server_give(struct handover *handover);
MUST_USE error_t file_server_take(struct handover *handover);
// For a session that the actor before had: enters it under the badge in it.
MUST_USE error_t session_restore(struct session *session);

// The caller is no longer interested, or the capability could not be made.
void session_close(struct session *session);
// The last handler of one that is closed or ended takes it off its tree, and a closed one's memory is free.
void session_leave(struct session *session);
// Takes a session off its tree: it answers ERR_STALE from now on.
void session_detach(struct session *session);
