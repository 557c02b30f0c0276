// See grant.h. Lines of /etc/grants: CAPABILITY PROGRAM..., a `#` begins a comment. Read once in a process, when it
// starts the first child with such a capability in its hands; what is cut off at GRANTS_BYTES is not granted.
#include "libc/system/grant.h"

#include <fcntl.h>
#include <string.h>

#include "libc/internal/system.h"

enum { GRANTS_BYTES = 2048 };

static char grants[GRANTS_BYTES];
static bool is_read;

static void grants_read(void) {
    int fd;
    size_t length = 0, part;
    is_read = true;
    if (system_open(AT_FDCWD, "/etc/grants", O_RDONLY, 0, &fd) != ERR_OK)
        return;
    while (length < GRANTS_BYTES - 1 && system_read(fd, grants + length, GRANTS_BYTES - 1 - length, &part) == ERR_OK && part != 0)
        length += part;
    error_t ignored = system_close(fd);
    (void)ignored;
    while (length != 0 && grants[length - 1] != '\n')
        length--; // a line without its end may be cut
    grants[length] = '\0';
}

// The word at *text, which is moved behind it; NULL at the line's end.
static const char *word_next(const char **text, size_t *length) {
    const char *word = *text + strspn(*text, " \t");
    *length = strcspn(word, " \t#\n");
    *text = word + *length;
    return *length != 0 ? word : NULL;
}

static bool word_is(const char *word, size_t length, const char *wanted) {
    return strlen(wanted) == length && memcmp(word, wanted, length) == 0;
}

static bool line_allows(const char *line, const char *capability, const char *program) {
    size_t length;
    const char *word = word_next(&line, &length);
    if (word == NULL || !word_is(word, length, capability))
        return false;
    while ((word = word_next(&line, &length)) != NULL)
        if (word_is(word, length, program))
            return true;
    return false;
}

bool grant_allows(const char *capability, const char *program) {
    if (strchr(capability, '.') == NULL)
        return true;
    if (!is_read)
        grants_read();
    for (const char *line = grants; *line != '\0'; line += strcspn(line, "\n"), line += *line != '\0')
        if (line_allows(line, capability, program))
            return true;
    return false;
}
