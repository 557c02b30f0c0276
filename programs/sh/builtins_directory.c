// Builtins that change what every child inherits: the working directory, kept as the logical path in $PWD,
// and the file creation mask.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "programs/common/files.h"
#include "programs/common/program.h"
#include "programs/sh/builtins.h"
#include "programs/sh/variables.h"

// The working directory in the temporary region, or null with errno.
static char *directory_current(struct shell *shell) {
    for (size_t size = 256;; size *= 2) {
        char *path = region_allocate(&shell->temporary, size);
        if (getcwd(path, size))
            return path;
        if (errno != ERANGE)
            return NULL;
    }
}

// Applies "." and ".." to a path by its text: the logical path that `cd` keeps.
static char *path_normalize(struct shell *shell, const char *base, const char *path) {
    struct buffer full;
    buffer_init(&full);
    char *copy = region_allocate(&shell->temporary, strlen(base) + strlen(path) + 2);
    if (*path != '/') {
        strcat(copy, base);
        strcat(copy, "/");
    }
    strcat(copy, path);
    for (char *part = copy; *part;) {
        part += strspn(part, "/");
        size_t length = strcspn(part, "/");
        if (length == 2 && strncmp(part, "..", 2) == 0) {
            while (full.length && full.data[full.length - 1] != '/')
                buffer_replace(&full, full.length - 1, 1, NULL, 0);
            if (full.length)
                buffer_replace(&full, full.length - 1, 1, NULL, 0);
        } else if (length && !(length == 1 && *part == '.')) {
            buffer_append_byte(&full, '/');
            buffer_append(&full, part, length);
        }
        part += length;
    }
    char *result = region_copy(&shell->temporary, full.length ? full.data : "/", full.length ? full.length : 1);
    buffer_free(&full);
    return result;
}

static const char *directory_logical(struct shell *shell) {
    // $PWD is believed only if it names the directory that the shell is in.
    const char *path = variable_get(shell, "PWD");
    struct stat named, real;
    if (path && *path == '/' && stat(path, &named) == 0 && stat(".", &real) == 0 && named.st_dev == real.st_dev &&
        named.st_ino == real.st_ino)
        return path;
    return directory_current(shell);
}

// Searches CDPATH for a relative target; true if the shell has moved there.
static bool directory_search(struct shell *shell, const char *target, const char *base, char **reached) {
    const char *path = variable_get(shell, "CDPATH");
    if (!path || *target == '/' || strncmp(target, "./", 2) == 0 || strncmp(target, "..", 2) == 0)
        return false;
    while (*path) {
        size_t length = strcspn(path, ":");
        char *entry = region_copy(&shell->temporary, length ? path : ".", length ? length : 1);
        char *joined = path_join(entry, target);
        *reached = path_normalize(shell, base, joined);
        free(joined);
        if (length && chdir(*reached) == 0)
            return true;
        path += length + (path[length] == ':');
    }
    return false;
}

int builtin_cd(struct shell *shell, int argc, char **argv, struct buffer *out) {
    bool physical = false;
    int index = 1;
    for (; index < argc && (strcmp(argv[index], "-P") == 0 || strcmp(argv[index], "-L") == 0); index++)
        physical = argv[index][1] == 'P';
    if (index < argc && strcmp(argv[index], "--") == 0)
        index++;
    if (argc - index > 1) {
        shell_error("cd", "too many arguments");
        return STATUS_SYNTAX;
    }
    bool back = index < argc && strcmp(argv[index], "-") == 0;
    const char *target = back ? variable_get(shell, "OLDPWD") : index < argc ? argv[index] : variable_get(shell, "HOME");
    if (!target) {
        shell_error("cd", "%s is not set", back ? "OLDPWD" : "HOME");
        return 1;
    }
    const char *base = directory_logical(shell);
    char *path = path_normalize(shell, base ? base : "/", target);
    bool searched = directory_search(shell, target, base ? base : "/", &path);
    if (!searched) {
        path = path_normalize(shell, base ? base : "/", target);
        if (chdir(physical || !base ? target : path) != 0) {
            shell_error("cd", "%s: %s", target, error_text(errno));
            return 1;
        }
    }
    if (physical || !base)
        path = directory_current(shell);
    if (back || searched)
        buffer_format(out, "%s\n", path);
    if (base)
        variable_set(shell, "OLDPWD", base);
    return path && variable_set(shell, "PWD", path) ? 0 : 1;
}

int builtin_pwd(struct shell *shell, int argc, char **argv, struct buffer *out) {
    bool physical = argc > 1 && strcmp(argv[argc - 1], "-P") == 0;
    const char *path = physical ? directory_current(shell) : directory_logical(shell);
    if (!path) {
        shell_error("pwd", "%s", error_text(errno));
        return 1;
    }
    buffer_format(out, "%s\n", path);
    return 0;
}

int builtin_umask(struct shell *shell, int argc, char **argv, struct buffer *out) {
    (void)shell;
    mode_t mask = umask(0);
    umask(mask);
    bool symbolic = argc > 1 && strcmp(argv[1], "-S") == 0;
    if (argc == 1) {
        buffer_format(out, "%04o\n", (unsigned)mask);
    } else if (symbolic) {
        for (int shift = 6; shift >= 0; shift -= 3) {
            mode_t bits = (~mask >> shift) & 7;
            buffer_format(out, "%c=%s%s%s%c", "ogu"[shift / 3], bits & 4 ? "r" : "", bits & 2 ? "w" : "", bits & 1 ? "x" : "",
                          shift ? ',' : '\n');
        }
    } else {
        mode_t mode;
        bool octal = *argv[1] >= '0' && *argv[1] <= '7';
        if (!mode_parse(argv[1], ~mask & 0777, &mode) || mode > 0777) {
            shell_error("umask", "not a mask: %s", argv[1]);
            return 1;
        }
        umask(octal ? mode : ~mode & 0777);
    }
    return 0;
}
