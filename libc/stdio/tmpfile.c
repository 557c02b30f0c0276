// tmpfile: a file without a name, gone when it is closed.
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

FILE *tmpfile(void) {
    char path[] = P_tmpdir "/tmp.XXXXXX";
    int fd = mkstemp(path);
    if (fd < 0)
        return NULL;
    unlink(path);
    FILE *stream = fdopen(fd, "w+");
    if (stream == NULL)
        close(fd);
    return stream;
}
