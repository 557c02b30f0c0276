// The last and the leading part of a path (POSIX <libgen.h>). Both may write to the path, and may return
// constant storage.
#pragma once

char *basename(char *path);
char *dirname(char *path);
