// trace: records what the kernel's trace points see while a command runs, or until ^C, and prints or saves
// it.
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "kernel/abi/capability.h"
#include "libipc/protocols/process.h"
#include "programs/common/program.h"
#include "programs/common/run.h"
#include "programs/trace/print.h"
#include "programs/trace/recorder.h"

extern char **environ;

enum { RING_KIB = 1024, RING_KIB_MAX = 65536, RATE_MIN = 20, RATE_MAX = 10000, ASK_NS = 20000000 };

static const char operands[] = "[-p PID | -s SERVER] [-e CLASSES] [-o FILE | -i FILE] [-r HZ] [-b KIB] [-t "
                               "SECONDS] [COMMAND [ARGUMENT]...]";
static const char details[] =
    "Records events until COMMAND ends, or without one until ^C, and prints them.\n"
    "  -p PID      only what concerns this process: what it does, its requests and who serves them\n"
    "  -s SERVER   the same for a server, by the name that `service` shows\n"
    "  -e CLASSES  of ipc, schedule, fault, interrupt, map, object, with commas between, or all "
    "(ipc,interrupt)\n"
    "  -r HZ       only samples of what runs, so many in a second on each processor (20 to 10000)\n"
    "  -o FILE     save it instead of printing it\n"
    "  -i FILE     print what was saved\n"
    "  -b KIB      room for each processor, a power of two (1024): the newest events stay, the others are "
    "counted\n"
    "  -t SECONDS  without COMMAND: stop after this time\n"
    "Exits as COMMAND does.\n";

static volatile sig_atomic_t stopped;

static void stop(int number) {
    (void)number;
    stopped = 1;
}

static uint64_t classes_parse(char *text) {
    static const char *const names[] = {"ipc", "schedule", "fault", "interrupt", "map", "object"};
    enum { COUNT = sizeof(names) / sizeof(names[0]) };
    uint64_t classes = 0;
    for (char *next = NULL, *word = strtok_r(text, ",", &next); word; word = strtok_r(NULL, ",", &next)) {
        size_t i = 0;
        while (i < COUNT && strcmp(word, names[i]) != 0)
            i++;
        if (i < COUNT)
            classes |= UINT64_C(1) << i;
        else if (strcmp(word, "all") == 0)
            classes |= (UINT64_C(1) << COUNT) - 1;
        else
            program_usage_error("no such class: %s", word);
    }
    return classes;
}

// Runs the command and waits for it; what was started is named before it can be gone. While samples are
// taken, what the command starts in turn is named as well (otherwise the questions would be seen in the
// trace). Its exit status.
static int run(struct trace *trace, char **arguments, bool ask) {
    char *file = program_find(arguments[0]);
    pid_t pid;
    int status = 0, error = file ? posix_spawn(&pid, file, NULL, NULL, arguments, environ) : ENOENT;
    if (error) {
        program_error(arguments[0], "%s", error_text(error));
        return error == ENOENT ? 127 : 126;
    }
    trace_names_program(trace, (uint64_t)pid);
    const struct timespec pause = {.tv_nsec = ASK_NS};
    for (pid_t ended = 0; ended == 0 || (ended < 0 && errno == EINTR);) {
        ended = waitpid(pid, &status, ask ? WNOHANG : 0);
        if (ended == 0) {
            trace_names_programs(trace);
            (void)nanosleep(&pause, NULL);
        }
    }
    free(file);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void wait_for_interrupt(long long seconds) {
    struct sigaction action = {.sa_handler = stop};
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    unsigned left = seconds < 0 ? UINT32_MAX : (unsigned)seconds;
    while (left > 0 && !stopped)
        left = sleep(left);
}

// The serial of the process that -p or -s names; 0: none was named.
static uint32_t find_process(const struct trace *trace, long long pid, const char *server) {
    for (uint32_t i = 0; i < trace->header.name_count; i++) {
        const struct trace_name *name = &trace->names[i];
        if (server ? name->id == 0 && strncmp(name->name, server, sizeof(name->name)) == 0 : name->id == pid && pid > 0)
            return name->process;
    }
    if (server)
        program_fail(server, "no such server");
    if (pid > 0)
        program_fail(NULL, "no process %lld", pid);
    return 0;
}

struct options {
    const char *server, *output, *input;
    long long pid, seconds, kib, rate;
    uint64_t classes;
};

static void options_read(struct options *options) {
    for (int option; (option = program_option("+p:s:e:r:o:i:b:t:")) != -1;) {
        switch (option) {
        case 'p':
            options->pid = number_parse(program_argument, "process id");
            break;
        case 's':
            options->server = program_argument;
            break;
        case 'e':
            options->classes = classes_parse(program_argument);
            break;
        case 'r':
            options->rate = number_parse(program_argument, "rate");
            options->classes = TRACE_CLASS_SAMPLE;
            break;
        case 'o':
            options->output = program_argument;
            break;
        case 'i':
            options->input = program_argument;
            break;
        case 'b':
            options->kib = number_parse(program_argument, "size");
            break;
        default:
            options->seconds = number_parse(program_argument, "number of seconds");
            break;
        }
    }
    if (options->kib < 4 || options->kib > RING_KIB_MAX || options->kib & (options->kib - 1))
        program_usage_error("the room is a power of two from 4 to %d", RING_KIB_MAX);
    if (options->rate && (options->rate < RATE_MIN || options->rate > RATE_MAX))
        program_usage_error("a rate is from %d to %d", RATE_MIN, RATE_MAX);
    if (options->pid && options->server)
        program_usage_error("-p or -s, not both");
    if (options->input && (options->output || program_operand_count))
        program_usage_error("-i only prints");
}

int main(int argc, char **argv) {
    struct options options = {.seconds = -1, .kib = RING_KIB, .classes = TRACE_CLASS_IPC | TRACE_CLASS_INTERRUPT};
    struct trace trace = {0};
    struct process_information self = {0};
    int status = 0;
    program_start(argc, argv, operands, details);
    options_read(&options);
    if (options.input) {
        if (!trace_load(&trace, options.input))
            program_fail(options.input, "%s", errno == EINVAL ? "this is no trace" : error_text(errno));
        trace_print(&trace, find_process(&trace, options.pid, options.server), 0);
        return program_end(0);
    }
    (void)process_information(SLOT_SELF, &self);
    trace_names_servers(&trace);
    trace_names_programs(&trace);
    uint32_t process = find_process(&trace, options.pid, options.server);
    recorder_start(options.classes, (uint64_t)options.rate, (uint64_t)options.kib * 1024);
    if (program_operand_count)
        status = run(&trace, program_operands, options.rate != 0);
    else
        wait_for_interrupt(options.seconds);
    recorder_stop(&trace);
    trace_names_programs(&trace);
    if (!options.output) {
        trace_print(&trace, process, (uint32_t)self.serial);
        return program_end(status);
    }
    trace_reduce(&trace, process, (uint32_t)self.serial);
    if (!trace_save(&trace, options.output))
        program_fail(options.output, "%s", error_text(errno));
    return program_end(status);
}
