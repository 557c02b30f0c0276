// Short ways for paths: sessions of file servers themselves, which programs get from vfs for places that they
// ask about often. A path asked there costs one round trip in the place of two. What only vfs knows the file
// server answers with ERR_PATH_STOPS, and a session whose place is no longer true (unmounted, hidden by a new
// root) with ERR_STALE: both times the caller asks vfs as ever. For path.c.
#pragma once

#include <stdbool.h>

#include "kernel/abi/errors.h"
#include "kernel/abi/message.h"

struct direct;

// The session to ask first for `path` from `base`, and what is left of the path there; NULL: ask vfs.
const struct direct *direct_find(cap_t base, const char *path, const char **rest);
cap_t direct_node(const struct direct *direct);
// True if the answer holds; else vfs is to be asked.
bool direct_answered(const struct direct *direct, error_t error) MUST_USE;
// vfs is asked for the path: after a few times a session is got for its place.
void direct_missed(cap_t base, const char *path);
// The base is about to be released.
void direct_forget(cap_t base);
