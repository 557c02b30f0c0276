// What vfs keeps: mounts, the directories that programs hold, pipes, and the sessions behind which they are.
// Invariants: a mount's name is the canonical path of its root (file servers refuse to rename what is above a
// mount); a directory's name is where it was when it was walked to, and is trusted for finding mounts below
// it only.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libipc/protocols/directory_server.h"
#include "libipc/protocols/file_server.h"
#include "libipc/protocols/vfs_server.h"
#include "libipc/server/server.h"
#include "libipc/server/session_table.h"
#include "servers/framework/path.h"

enum { LINKS_MAX = 40, MOUNT_TYPE_BYTES = 16, MOUNT_SOURCE_BYTES = 112, MOUNT_NAME_BYTES = 240 };

struct mount {
    struct mount *next;   // by number
    struct mount *parent; // that its covered directory lies in; NULL: it is, or was, mounted on /
    struct mount *top;    // the one on / above it
    uint64_t number;
    uint64_t flags;   // enum mount_flag
    cap_t filesystem; // the file server; not owned
    cap_t root;       // its root directory
    cap_t covered;    // the directory it hides; 0 on /
    uint32_t users;   // directories of programs, and resolutions, in it
    bool is_covering; // its directory leads here; before that nobody is sent here by name
    bool is_ending;   // being detached: nobody enters any more
    size_t name_length;
    char name[MOUNT_NAME_BYTES];
    char type[MOUNT_TYPE_BYTES];
    char source[MOUNT_SOURCE_BYTES];
};

enum session_kind { SESSION_DIRECTORY, SESSION_PIPE };

struct session {
    enum session_kind kind;
    uint64_t badge;
};

struct directory {
    struct session session;
    uint32_t references; // its session, requests that use it, directories whose root it is
    struct mount *mount;
    cap_t node;             // the file server's session
    struct directory *root; // where absolute links start; a root's own is itself
    size_t name_length;
    char *name; // canonical when it was walked to
};

struct vfs {
    struct server server;
    struct session_table sessions;
    struct mount *mounts;
    uint64_t last_number;
    struct directory root; // of all who have no other: what is mounted on / now
    uint32_t pipe_count;
};

extern struct vfs vfs;

// --- session.c: badges
// ---------------------------------------------------------------------------------------------- Enters it
// and makes the capability, to be moved to the caller. On error it is not entered.
MUST_USE error_t session_publish(struct session *session, cap_t *capability);
// From the actor before: enters it under its badge.
MUST_USE error_t session_take(struct session *session);
void session_remove(struct session *session);
struct session *session_find(uint64_t badge);

// --- directory.c: what programs hold
// -------------------------------------------------------------------------------- The directory of a
// request: the session's, or the common root.
struct directory *directory_of(const struct request *request);
// The directory behind a capability that a caller sent; ERR_WRONG_KIND.
MUST_USE error_t directory_identify(cap_t capability, struct directory **result);
void directory_hold(struct directory *directory);
void directory_drop(struct directory *directory);
// `node` is the directory's from now on, also on error. `root` NULL: it is its own.
MUST_USE error_t directory_make(struct mount *mount, cap_t node, const char *name, size_t name_length, struct directory *root,
                                cap_t *session);
// Its absolute path now, as its file server knows it, from the common root. *length: bytes.
MUST_USE error_t directory_locate(const struct directory *directory, char *text, size_t size, size_t *length);

// --- mount.c
// --------------------------------------------------------------------------------------------------------
struct mount *mount_find(uint64_t number);
// The longest mount strictly below the directory `name` of `inside` that `path` leads to before its first
// '..'; *consumed: bytes of the path up to there. NULL: none. `keep_last`: the last name must stay.
struct mount *mount_match(const struct mount *inside, const char *name, size_t name_length, const char *path, size_t length,
                          bool keep_last, size_t *consumed);
// Attaches and enters; `what` as in vfs.idl, NUL-terminated.
MUST_USE error_t mount_make(const char *type, const char *source, const char *target, const char *options, uint64_t flags);
MUST_USE error_t mount_end(const char *target, size_t length);

// --- picture.c: the table as text, for /proc/mounts
// ------------------------------------------------------------------ Draws it anew, after every change.
void picture_draw(void);
// Shows it to a file server that wants it.
void picture_show(cap_t filesystem);
// Its memory, for the next build and from the one before.
void picture_slots(uint64_t *writable, uint64_t *shown);
void picture_take(uint64_t writable, uint64_t shown);

// --- pipe.c
// ---------------------------------------------------------------------------------------------------------
struct pipe_end;
MUST_USE error_t pipe_make(uint64_t flags, cap_t *reader, cap_t *writer);
void pipe_end_closed(struct pipe_end *end); // no capability to it is left
uint64_t pipe_last_inode(void);
void pipe_start_inodes(uint64_t last);
// A write that the actor before had put in a part of: it comes again under the same number.
MUST_USE error_t pipe_note_interrupted(uint64_t inode, uint64_t thread, uint64_t count, uint64_t done);
extern const struct file_ops pipe_file_ops;

// --- tables of handlers
// ---------------------------------------------------------------------------------------------
extern const struct directory_ops vfs_directory_ops;
extern const struct vfs_ops vfs_vfs_ops;
error_t vfs_directory_rename(struct request *request, const struct directory_rename_in *in, struct directory_rename_out *out);
error_t vfs_directory_make_link(struct request *request, const struct directory_make_link_in *in,
                                struct directory_make_link_out *out);
error_t vfs_directory_make_symlink(struct request *request, const struct directory_make_symlink_in *in,
                                   struct directory_make_symlink_out *out);
error_t vfs_directory_unlink(struct request *request, const struct directory_unlink_in *in, struct directory_unlink_out *out);
error_t vfs_directory_make_directory(struct request *request, const struct directory_make_directory_in *in,
                                     struct directory_make_directory_out *out);
error_t vfs_directory_make_node(struct request *request, const struct directory_make_node_in *in,
                                struct directory_make_node_out *out);
