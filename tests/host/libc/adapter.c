// Part of the library under test: calls of ours whose structures differ from the host's, with plain arguments
// instead.
#include "tests/host/libc/adapter.h"

#include <fcntl.h>
#include <glob.h>
#include <regex.h>
#include <spawn.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

int adapter_regex(const char *pattern, int compile_flags, const char *text, int run_flags, size_t count, long *offsets,
                  size_t *groups) {
    regex_t regex;
    regmatch_t match[16];
    int error = regcomp(&regex, pattern, compile_flags);
    if (error != 0)
        return 100 + error;
    *groups = regex.re_nsub;
    int result = regexec(&regex, text, count, match, run_flags);
    for (size_t i = 0; i < count && result == 0; i++) {
        offsets[2 * i] = match[i].rm_so;
        offsets[2 * i + 1] = match[i].rm_eo;
    }
    regfree(&regex);
    return result;
}

int adapter_glob(const char *pattern, int flags, char *joined, size_t size) {
    glob_t result;
    int error = glob(pattern, flags, NULL, &result);
    joined[0] = '\0';
    for (size_t i = 0; error == 0 && i < result.gl_pathc; i++) {
        strlcat(joined, result.gl_pathv[i], size);
        strlcat(joined, " ", size);
    }
    globfree(&result);
    return error;
}

int adapter_spawn(char *const argv[], char *const envp[], const char *output, int search) {
    posix_spawn_file_actions_t actions;
    pid_t pid;
    int status;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    int error =
        search ? posix_spawnp(&pid, argv[0], &actions, NULL, argv, envp) : posix_spawn(&pid, argv[0], &actions, NULL, argv, envp);
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0)
        return -error;
    if (waitpid(pid, &status, 0) != pid)
        return -1000;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

int adapter_status(const char *path, unsigned *mode, long *size) {
    struct stat status;
    int result = lstat(path, &status);
    *mode = status.st_mode;
    *size = status.st_size;
    return result;
}
