// Temporary files and directories under a name that nobody else has: the template's last six characters, X
// each, are replaced.
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "libc/internal/result.h"
#include "libc/internal/system.h"

enum { PLACES = 6, ATTEMPTS = 100 };

// The place of the six X, or null with EINVAL.
static char *template_places(char *template) {
    size_t length = strlen(template);
    if (length >= PLACES && strcmp(template + length - PLACES, "XXXXXX") == 0)
        return template + length - PLACES;
    errno = EINVAL;
    return NULL;
}

static int template_fill(char *places) {
    static const char letters[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_";
    unsigned char random[PLACES];
    if (result_of(system_random(random, sizeof random)) != 0)
        return -1;
    for (int i = 0; i < PLACES; i++)
        places[i] = letters[random[i] % 64];
    return 0;
}

int mkostemp(char *template, int flags) {
    char *places = template_places(template);
    if (places == NULL)
        return -1;
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        if (template_fill(places) != 0)
            return -1;
        int fd = open(template, O_RDWR | O_CREAT | O_EXCL | flags, S_IRUSR | S_IWUSR);
        if (fd >= 0 || errno != EEXIST)
            return fd;
    }
    return -1;
}

int mkstemp(char *template) {
    return mkostemp(template, 0);
}

char *mkdtemp(char *template) {
    char *places = template_places(template);
    if (places == NULL)
        return NULL;
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        if (template_fill(places) != 0)
            return NULL;
        if (mkdir(template, S_IRWXU) == 0)
            return template;
        if (errno != EEXIST)
            return NULL;
    }
    return NULL;
}
