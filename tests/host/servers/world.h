// A small system for tests: initrdfs on /, vfs above it, tmpfs and devfs to mount; and a program's view of
// it: path calls that are sent again with WALK, as libc does.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libipc/protocols/directory.h"
#include "libipc/protocols/file.h"
#include "tests/host/servers/machine.h"

extern cap_t world_root;            // vfs's common root
extern unsigned long world_directs; // paths that were asked at a file server itself
extern cap_t world_mount;           // that may mount

// The initrd holds: dev/ tmp/ mnt/ proc/ etc/motd ("hello\n") bin/sh link -> etc/motd up -> ../tmp absolute
// -> /etc.
void world_begin(void);
// Everything is unmounted, nothing has leaked.
void world_end(void);

error_t world_do_mount(const char *type, const char *source, const char *target, const char *options);
error_t world_unmount(const char *target);

// The mounted tmpfs gives a node up the next time only after `see` was called.
void world_before_release(void (*see)(void));

// Paths from `base`; `flags` beside WALK. Results as in the protocol.
error_t path_open(cap_t base, const char *path, uint64_t flags, cap_t *file);
error_t path_status(cap_t base, const char *path, uint64_t flags, struct file_status *status);
error_t path_walk(cap_t base, const char *path, uint64_t flags, cap_t *node);
error_t path_make_directory(cap_t base, const char *path);
error_t path_make_file(cap_t base, const char *path); // exclusively
error_t path_make_symlink(cap_t base, const char *text, const char *path);
error_t path_make_link(cap_t base, const char *old, const char *new);
error_t path_rename(cap_t base, const char *old, const char *new);
error_t path_unlink(cap_t base, const char *path, uint64_t flags);
error_t path_read_link(cap_t base, const char *path, char *text, size_t size);
// The path of a directory as a string in static memory; NULL on error.
const char *path_of(cap_t directory);
// The first bytes of a file as a string in static memory; NULL on error.
const char *path_content(cap_t base, const char *path);
error_t path_write(cap_t base, const char *path, const char *text); // made if missing
