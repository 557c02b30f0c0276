// Builtins about jobs: jobs, fg, bg, wait, kill.
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "programs/common/program.h"
#include "programs/sh/builtins.h"
#include "programs/sh/jobs.h"
#include "programs/sh/trap.h"

int builtin_jobs(struct shell *shell, int argc, char **argv, struct buffer *out) {
    bool pids = argc > 1 && strcmp(argv[1], "-l") == 0;
    bool only_pids = argc > 1 && strcmp(argv[1], "-p") == 0;
    jobs_poll(shell);
    for (struct job *job = shell->jobs, *next; job; job = next) {
        next = job->next;
        if (!job->background)
            continue;
        enum process_state state = job_state(job);
        if (only_pids)
            buffer_format(out, "%ld\n", (long)job->processes[0].pid);
        else
            job_describe(shell, job, pids, out);
        job->reported = state;
        if (state == PROCESS_DONE && !only_pids)
            job_free(shell, job);
    }
    return 0;
}

static struct job *job_argument(const struct shell *shell, const char *command, int argc, char **argv) {
    struct job *job = job_find(shell, argc > 1 ? argv[1] : "%%");
    if (!job)
        shell_error(command, "no such job: %s", argc > 1 ? argv[1] : "current");
    return job;
}

int builtin_fg(struct shell *shell, int argc, char **argv, struct buffer *out) {
    (void)out;
    struct job *job = job_argument(shell, "fg", argc, argv);
    if (!job)
        return 1;
    struct buffer line;
    buffer_init(&line);
    buffer_format(&line, "%s\n", job->text);
    descriptor_write(STDOUT_FILENO, line.data, line.length);
    buffer_free(&line);
    return job_continue(shell, job, true);
}

int builtin_bg(struct shell *shell, int argc, char **argv, struct buffer *out) {
    struct job *job = job_argument(shell, "bg", argc, argv);
    if (!job)
        return 1;
    buffer_format(out, "[%d] %s &\n", job->id, job->text);
    return job_continue(shell, job, false);
}

// The status of a job that has ended, which is then forgotten.
static int job_collect(struct shell *shell, struct job *job) {
    int status = job_status(job);
    if (job_state(job) == PROCESS_DONE)
        job_free(shell, job);
    return status;
}

int builtin_wait(struct shell *shell, int argc, char **argv, struct buffer *out) {
    (void)out;
    int status = 0;
    if (argc == 1) {
        for (struct job *job = shell->jobs, *next; job; job = next) {
            next = job->next;
            if (!job_wait_end(shell, job))
                return STATUS_SIGNAL;
            job_collect(shell, job);
        }
    }
    for (int i = 1; i < argc; i++) {
        struct job *job = job_find(shell, argv[i]);
        if (!job) {
            status = STATUS_NOT_FOUND;
            continue;
        }
        if (!job_wait_end(shell, job))
            return STATUS_SIGNAL;
        status = job_collect(shell, job);
    }
    return status;
}

static int signals_list(int argc, char **argv, struct buffer *out) {
    if (argc > 2) {
        int number = signal_parse(argv[2]);
        if (number > STATUS_SIGNAL)
            number -= STATUS_SIGNAL;
        if (number < 0) {
            shell_error("kill", "not a signal: %s", argv[2]);
            return 1;
        }
        buffer_format(out, "%s\n", signal_name(number));
        return 0;
    }
    for (int i = 1; i < SIGNAL_COUNT; i++) {
        const char *name = signal_name(i);
        if (*name > '9')
            buffer_format(out, "%2d %s\n", i, name);
    }
    return 0;
}

static int target_kill(struct shell *shell, const char *target, int signal) {
    int result;
    if (*target == '%') {
        struct job *job = job_find(shell, target);
        if (!job) {
            shell_error("kill", "no such job: %s", target);
            return 1;
        }
        result = kill(job->group ? -job->group : job->processes[job->count - 1].pid, signal);
        if (result == 0 && job_state(job) == PROCESS_STOPPED && (signal == SIGTERM || signal == SIGHUP))
            kill(job->group ? -job->group : job->processes[0].pid, SIGCONT);
    } else {
        char *end;
        long pid = strtol(target, &end, 10);
        if (end == target || *end) {
            shell_error("kill", "not a process id: %s", target);
            return 1;
        }
        result = kill((pid_t)pid, signal);
    }
    if (result == 0)
        return 0;
    shell_error("kill", "%s: %s", target, error_text(errno));
    return 1;
}

int builtin_kill(struct shell *shell, int argc, char **argv, struct buffer *out) {
    int signal = SIGTERM;
    int index = 1;
    if (argc > 1 && strcmp(argv[1], "-l") == 0)
        return signals_list(argc, argv, out);
    if (argc > 1 && argv[1][0] == '-' && strcmp(argv[1], "--") != 0) {
        const char *name = argv[1] + 1;
        index = 2;
        if (strcmp(name, "s") == 0 && argc > 2) {
            name = argv[2];
            index = 3;
        }
        signal = signal_parse(name);
        if (signal < 0) {
            shell_error("kill", "not a signal: %s", name);
            return STATUS_SYNTAX;
        }
    }
    if (index < argc && strcmp(argv[index], "--") == 0)
        index++;
    if (index >= argc) {
        shell_error("kill", "no process given");
        return STATUS_SYNTAX;
    }
    int status = 0;
    for (; index < argc; index++)
        status |= target_kill(shell, argv[index], signal);
    return status;
}
