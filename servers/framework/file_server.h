// A file server: its sessions (directories and open files), its trees, and the dispatch of the three
// protocols to them. main.c of a file server fills in one struct file_server, calls file_server_run, and
// supplies tree_ops; everything else is here.
//
// Invariant: a session holds its node; a tree lives until no session names it. A handler that waits keeps its
// session alive through `users`, even if the last capability goes meanwhile.
#pragma once

#include "libipc/include/startup.h"
#include "libipc/kept/undo.h"
#include "libipc/protocols/filesystem.h"
#include "libipc/server/fiber.h"
#include "libipc/server/handover.h"
#include "libipc/server/server.h"
#include "libipc/server/session_table.h"
#include "servers/framework/poll_list.h"
#include "servers/framework/tree.h"

enum session_kind { SESSION_DIRECTORY, SESSION_FILE, SESSION_LOAN };

struct session {
    struct session *next; // of those that leave
    uint64_t badge;
    struct tree *tree;      // NULL: detached since
    struct tree_node *node; // held
    enum session_kind kind;
    bool is_closed;
    bool is_direct; // a program's own, see directory.direct: it ends with its mount
    bool is_ended;  // as if detached; it is when its last handler has ended
};

// A place to start walks from.
struct directory {
    struct session session;
    struct tree_node *ceiling; // held; NULL: the root
};

// An open file description: what copies of one capability share.
struct open_file {
    struct session session;
    uint64_t own_words[4]; // the server's, from `opened` to `closed`; zero at first
    void *own;             // the same
    uint64_t offset;
    uint64_t access; // OPEN_FLAG_READ, WRITE, NODE
    uint64_t flags;  // enum file_flag
    uint8_t kind;    // enum file_kind
    bool is_stream;  // no offset: seek is refused; set by tree_ops.opened
    struct fiber_lock offset_lock;
    struct poll_list polls;
};

// What a server lent, held by a memory object as its pager's session: it ends with the object. Its tree is NULL, so nothing can
// be asked of it. Another build of the server gets it by `give_loan` and loan_restore: what was lent stays lent.
struct loan {
    struct session session;
    void (*ended)(struct loan *loan); // frees it
};
// A session for a loan; nobody holds it, the capability aside. On error the loan has not ended.
MUST_USE error_t loan_publish(struct loan *loan, cap_t *capability);
// The same under the badge that it had for the build before; for take_trees.
MUST_USE error_t loan_restore(struct loan *loan, uint64_t badge);

struct file_server {
    struct server server; // main.c fills in what the loop needs beyond this; endpoint and notification are
                          // found by name
    const char *name;
    // Makes a tree with ops, root and own filled in, as filesystem.attach says; `device`: request_keep it, 0
    // if missing. NULL: there is one tree for all, `only_tree`.
    error_t (*attach)(struct request *request, const char *source, const char *options, uint64_t flags, cap_t device,
                      struct tree **tree);
    // Nothing of it is open. Frees what `attach` made; `root` is released already. May refuse.
    error_t (*detach)(struct tree *tree);
    struct tree *only_tree;
    error_t (*cache)(struct cache_status *status);
    void (*show_mounts)(cap_t picture); // the server's to keep; NULL: ERR_NOT_SUPPORTED
    // For another build (libipc/server/handover.h): brings the trees to rest and writes records of them, under their device
    // numbers; and makes them again, each entered by file_server_enter_tree. NULL with a tree that is always there.
    error_t (*give_trees)(struct handover *handover);
    error_t (*take_trees)(struct handover *handover);
    error_t (*give_loan)(struct handover *handover,
                         const struct loan *loan); // after give_trees; not NULL where something is lent
    void (*taken)(void);                           // all sessions have found their nodes; NULL: nothing to do
    // Other protocols on the sessions that the manifest hands out. NULL: none.
    error_t (*dispatch_control)(struct request *request);

    // The framework's own.
    _Alignas(KEPT_LINE_BYTES) struct session_table sessions;
    struct session *leaving; // closed, but a handler works for it, or what it holds is being given up. In the same line
    struct tree *trees;
    uint64_t last_device;
};

// Takes endpoint and notification by name and gives the loop its dispatcher. Not yet serving: for what a
// server does before.
MUST_USE error_t file_server_prepare(struct file_server *server, const struct startup *startup);
// A tree that the actor before had under this device number; for take_trees.
void file_server_enter_tree(struct tree *tree, uint64_t device);
struct tree *file_server_tree(uint64_t device); // NULL: there is none
// Serves until the endpoint fails.
MUST_USE error_t file_server_run(struct file_server *server);

// One request, one closed session: what the loop calls; for tests as well.
MUST_USE error_t file_server_dispatch(struct file_server *server, struct request *request);
void file_server_session_closed(struct file_server *server, uint64_t badge);
