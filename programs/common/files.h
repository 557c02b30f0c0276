// Paths, directory listings, sizes and owners as the file tools need them.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// "directory/name" with exactly one slash between; the caller frees it.
char *path_join(const char *directory, const char *name);

// The last component, without trailing slashes, in memory that the caller frees.
char *path_base(const char *path);

// The names in a directory, sorted by byte value, "." and ".." left out.
struct directory_list {
    char **names;
    size_t count;
};
bool directory_read(const char *path, struct directory_list *list); // false with errno
void directory_free(struct directory_list *list);

// "rwxr-xr-x" with the type in front, as ls prints it; `text` holds 11 bytes.
void mode_text(mode_t mode, char *text);

// A size in units of 1024, rounded up, at most 5 characters: 831, 1.2K, 34M. `text` holds 16 bytes.
void size_text(uint64_t bytes, char *text);

// A count of bytes with an optional suffix k, M, G (1024) or b (512); false if it is not one.
bool size_parse(const char *text, uint64_t *bytes);

// The name for a number in /etc/passwd or /etc/group, or the number itself. The result lasts until the next
// call.
const char *owner_name(uid_t uid);
const char *group_name(gid_t gid);

// A yes or no question on standard error, answered on standard input.
bool answer_is_yes(const char *format, ...) __attribute__((format(printf, 1, 2)));

// Opens an operand for reading; "-" is standard input. -1 after a message.
int operand_open(const char *path);

// The permission bits after applying a mode such as 755, u+x or go-w to `mode`; false if it is not one.
bool mode_parse(const char *text, mode_t mode, mode_t *result);
