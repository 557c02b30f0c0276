// reloads: puts programs in the place of running servers, in turn, while it uses them, and tells for how long
// they did not answer. Programs are built differently on purpose: each must take up what the one before knew.
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libipc/client/clock.h"
#include "libipc/protocols/account.h"
#include "libipc/protocols/memory.h"
#include "libipc/protocols/service.h"
#include "libipc/start/start.h"
#include "kernel/abi/capability.h"
#include "programs/common/program.h"

static const char operands[] = "[-n TIMES] NAME PROBE FILE... | -p PROBE";
static const char details[] =
    "Reloads the server NAME with each FILE in turn, TIMES in all (100). Meanwhile a second process reads "
    "the file\n"
    "PROBE again and again, a block each time; a pause is the longest of these reads between two reloads.\n"
    "  -p  be that second process: for each byte of standard input, tell the longest read since the last\n";

enum { BLOCK = 512, FILES_MAX = 8, TIMES_MAX = 100000 };

static struct file {
    cap_t memory;
    uint64_t length;
} files[FILES_MAX];
static uint64_t pauses[TIMES_MAX];

extern char **environ;

static void load(const char *path, struct file *file) {
    static char bytes[64 * 1024];
    uint64_t moved;
    FILE *stream = fopen(path, "r");
    if (!stream || fseek(stream, 0, SEEK_END) != 0)
        program_fail(path, "%s", error_text(errno));
    file->length = (uint64_t)ftell(stream);
    rewind(stream);
    error_t error = account_create_memory(SLOT_ACCOUNT, (file->length + 4095) & ~UINT64_C(4095), &file->memory);
    for (uint64_t at = 0; error == ERR_OK && at < file->length; at += moved) {
        size_t count = fread(bytes, 1, sizeof(bytes), stream);
        error = count == 0 ? ERR_IO : memory_write(file->memory, at, bytes, count, &moved);
    }
    if (error != ERR_OK)
        program_fail(path, "%s", error_text(-error));
    fclose(stream);
}

// Reads block after block; when asked by a byte, tells the longest that one took since it was asked last.
// Ends with its input.
static void probe(const char *path) {
    char block[BLOCK], byte;
    uint64_t worst = 0;
    int file = open(path, O_RDONLY);
    if (file < 0 || fcntl(0, F_SETFL, O_NONBLOCK) < 0)
        program_fail(path, "%s", error_text(errno));
    for (off_t at = 0;; at += BLOCK) {
        uint64_t began = clock_monotonic();
        ssize_t count = pread(file, block, sizeof(block), at);
        uint64_t took = clock_monotonic() - began;
        if (count < 0)
            program_fail(path, "%s", error_text(errno));
        if (count == 0)
            at = -BLOCK;
        worst = took > worst ? took : worst;
        ssize_t bytes = read(0, &byte, 1);
        if (bytes == 0)
            return;
        if (bytes != 1)
            continue;
        if (write(1, &worst, sizeof(worst)) != (ssize_t)sizeof(worst))
            return;
        worst = 0;
    }
}

static pid_t probe_start(const char *path, int *asks, int *told) {
    static char name[] = "reloads", option[] = "-p";
    char *const command[] = {name, option, (char *)(uintptr_t)path, NULL};
    posix_spawn_file_actions_t actions;
    int to[2], from[2];
    pid_t child;
    if (pipe(to) < 0 || pipe(from) < 0)
        program_fail(NULL, "no pipe: %s", error_text(errno));
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_adddup2(&actions, to[0], 0);
    (void)posix_spawn_file_actions_adddup2(&actions, from[1], 1);
    const int ends[] = {to[0], to[1], from[0], from[1]};
    for (int i = 0; i < 4; i++)
        (void)posix_spawn_file_actions_addclose(&actions, ends[i]);
    int error = posix_spawnp(&child, command[0], &actions, NULL, command, environ);
    if (error)
        program_fail(command[0], "%s", error_text(error));
    close(to[0]);
    close(from[1]);
    *asks = to[1];
    *told = from[0];
    return child;
}

static uint64_t ask(int asks, int told) {
    uint64_t worst;
    if (write(asks, "", 1) != 1 || read(told, &worst, sizeof(worst)) != (ssize_t)sizeof(worst))
        program_fail(NULL, "the reader ended: a read failed");
    return worst;
}

static int compare(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static void print_pauses(const char *name, uint64_t times) {
    qsort(pauses, times, sizeof(pauses[0]), compare);
    printf("%s: %llu reloads, pause p50 %llu us, p99 %llu us, longest %llu us\n", name, (unsigned long long)times,
           (unsigned long long)pauses[times / 2] / 1000, (unsigned long long)pauses[times * 99 / 100] / 1000,
           (unsigned long long)pauses[times - 1] / 1000);
}

int main(int argc, char **argv) {
    uint64_t times = 100;
    const char *probed = NULL;
    int asks, told, status;
    program_start(argc, argv, operands, details);
    for (int option; (option = program_option("n:p:")) != -1;) {
        if (option == 'p')
            probed = program_argument;
        else
            times = (uint64_t)number_parse(program_argument, "number");
    }
    if (probed) {
        probe(probed);
        return program_end(0);
    }
    cap_t session = startup_capability("service");
    int count = program_operand_count - 2;
    if (count < 1 || count > FILES_MAX || times == 0 || times > TIMES_MAX)
        program_usage_error("a server, a file to read, and one to %d programs are wanted", FILES_MAX);
    if (session == 0)
        program_fail(NULL, "this program was not given a session of init");
    const char *name = program_operands[0];
    for (int i = 0; i < count; i++)
        load(program_operands[2 + i], &files[i]);
    pid_t child = probe_start(program_operands[1], &asks, &told);
    (void)ask(asks, told);
    for (uint64_t i = 0; i < times; i++) {
        const struct file *file = &files[i % (uint64_t)count];
        error_t error = service_reload(session, file->length, file->memory, name, strlen(name));
        if (error != ERR_OK)
            program_fail(name, "reload %llu: %s", (unsigned long long)i + 1, error_text(-error));
        pauses[i] = ask(asks, told);
    }
    close(asks);
    if (waitpid(child, &status, 0) != child || status != 0)
        program_fail(NULL, "the reader failed: status %d", status);
    print_pauses(name, times);
    return program_end(0);
}
