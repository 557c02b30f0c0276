// Jobs. All statuses come through one waitpid() for any child, so that none is lost, whichever job is being
// waited for.
#include "programs/sh/jobs.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "programs/common/buffer.h"
#include "programs/common/program.h"
#include "programs/sh/trap.h"

static struct termios shell_mode; // the terminal as the shell wants it
static bool shell_mode_known = false;

struct job *job_new(struct shell *shell, char *text, bool background) {
    struct job *job = memory_allocate(sizeof(*job));
    *job = (struct job){.id = 1, .text = text, .background = background};
    struct job **end = &shell->jobs;
    for (; *end; end = &(*end)->next) {
        if ((*end)->id >= job->id)
            job->id = (*end)->id + 1;
    }
    *end = job;
    return job;
}

void job_add(struct job *job, pid_t pid, int status) {
    job->processes = memory_resize(job->processes, (size_t)(job->count + 1) * sizeof(struct process));
    job->processes[job->count++] = (struct process){.pid = pid, .state = pid ? PROCESS_RUNNING : PROCESS_DONE, .status = status};
}

void job_free(struct shell *shell, struct job *job) {
    struct job **link = &shell->jobs;
    while (*link != job)
        link = &(*link)->next;
    *link = job->next;
    free(job->processes);
    free(job->text);
    free(job);
}

enum process_state job_state(const struct job *job) {
    enum process_state state = PROCESS_DONE;
    for (int i = 0; i < job->count; i++) {
        if (job->processes[i].state == PROCESS_RUNNING)
            return PROCESS_RUNNING;
        if (job->processes[i].state == PROCESS_STOPPED)
            state = PROCESS_STOPPED;
    }
    return state;
}

int job_status(const struct job *job) {
    int status = job->count ? job->processes[job->count - 1].status : 0;
    return job->negated ? !status : status;
}

static void process_record(struct shell *shell, pid_t pid, int wait_status) {
    for (struct job *job = shell->jobs; job; job = job->next) {
        for (int i = 0; i < job->count; i++) {
            struct process *process = &job->processes[i];
            if (process->pid != pid || process->state == PROCESS_DONE)
                continue;
            if (WIFSTOPPED(wait_status)) {
                process->state = PROCESS_STOPPED;
                process->status = STATUS_SIGNAL + WSTOPSIG(wait_status);
            } else {
                process->state = PROCESS_DONE;
                process->signal = WIFSIGNALED(wait_status) ? WTERMSIG(wait_status) : 0;
                process->status = process->signal ? STATUS_SIGNAL + process->signal : WEXITSTATUS(wait_status);
            }
            return;
        }
    }
}

// Waits for some child; false if there is none or a signal came.
static bool child_wait(struct shell *shell, int flags) {
    int status;
    pid_t pid = waitpid(-1, &status, flags | (shell->job_control ? WUNTRACED : 0));
    if (pid <= 0)
        return false;
    process_record(shell, pid, status);
    return true;
}

void jobs_poll(struct shell *shell) {
    while (child_wait(shell, WNOHANG))
        continue;
}

// What is left when no child is there any more: a job whose processes were lost counts as ended.
static void job_give_up(struct job *job) {
    for (int i = 0; i < job->count; i++)
        job->processes[i].state = PROCESS_DONE;
}

void terminal_give(struct shell *shell, pid_t group) {
    if (!shell->job_control || shell->terminal < 0)
        return;
    // The shell may be in the background while it does this: it must not be stopped for it.
    sigset_t block, old;
    sigemptyset(&block);
    sigaddset(&block, SIGTTOU);
    sigprocmask(SIG_BLOCK, &block, &old);
    tcsetpgrp(shell->terminal, group);
    sigprocmask(SIG_SETMASK, &old, NULL);
}

static void terminal_take(struct shell *shell, bool restore_mode) {
    terminal_give(shell, shell->group);
    if (restore_mode && shell_mode_known && shell->terminal >= 0)
        tcsetattr(shell->terminal, TCSADRAIN, &shell_mode);
}

// A word about the signal; what ^C leaves on the screen is execute.c's business.
static void end_announce(const struct shell *shell, const struct job *job) {
    const struct process *last = job->count ? &job->processes[job->count - 1] : NULL;
    if (!last || !last->signal || !shell->interactive)
        return;
    if (last->signal != SIGINT && last->signal != SIGPIPE)
        dprintf(STDERR_FILENO, "%s\n", strsignal(last->signal));
}

int job_wait(struct shell *shell, struct job *job) {
    while (job_state(job) == PROCESS_RUNNING) {
        if (!child_wait(shell, 0) && errno != EINTR)
            job_give_up(job);
    }
    int status = job_status(job);
    bool stopped = job_state(job) == PROCESS_STOPPED;
    const struct process *last = job->count ? &job->processes[job->count - 1] : NULL;
    bool killed = last && last->signal;
    terminal_take(shell, stopped || killed);
    if (stopped) {
        struct buffer text;
        buffer_init(&text);
        buffer_append_byte(&text, '\n');
        job->background = true;
        job->reported = PROCESS_STOPPED;
        job_describe(shell, job, false, &text);
        descriptor_write(STDERR_FILENO, text.data, text.length);
        buffer_free(&text);
        return status;
    }
    end_announce(shell, job);
    if (killed && last->signal == SIGINT && shell->interactive)
        trap_interrupt(shell); // ^C ends the whole line, loops included
    job_free(shell, job);
    return status;
}

bool job_wait_end(struct shell *shell, struct job *job) {
    while (job_state(job) == PROCESS_RUNNING) {
        if (child_wait(shell, 0))
            continue;
        if (errno != EINTR)
            job_give_up(job);
        else if (trap_is_pending())
            return false;
    }
    return true;
}

int job_continue(struct shell *shell, struct job *job, bool foreground) {
    for (int i = 0; i < job->count; i++) {
        if (job->processes[i].state == PROCESS_STOPPED)
            job->processes[i].state = PROCESS_RUNNING;
    }
    job->background = !foreground;
    job->reported = PROCESS_RUNNING;
    if (foreground && job->group)
        terminal_give(shell, job->group);
    if (job->group) {
        kill(-job->group, SIGCONT);
    } else {
        for (int i = 0; i < job->count; i++) {
            if (job->processes[i].state == PROCESS_RUNNING)
                kill(job->processes[i].pid, SIGCONT);
        }
    }
    return foreground ? job_wait(shell, job) : 0;
}

static const struct job *job_current(const struct shell *shell) {
    const struct job *last = shell->jobs;
    while (last && last->next)
        last = last->next;
    return last;
}

void job_describe(const struct shell *shell, const struct job *job, bool with_pids, struct buffer *out) {
    enum process_state state = job_state(job);
    char text[48];
    int status = job_status(job);
    const struct process *last = job->count ? &job->processes[job->count - 1] : NULL;
    if (state == PROCESS_RUNNING)
        snprintf(text, sizeof(text), "Running");
    else if (state == PROCESS_STOPPED)
        snprintf(text, sizeof(text), "Stopped");
    else if (last && last->signal)
        snprintf(text, sizeof(text), "%s", strsignal(last->signal));
    else if (status)
        snprintf(text, sizeof(text), "Exit %d", status);
    else
        snprintf(text, sizeof(text), "Done");
    buffer_format(out, "[%d]%c ", job->id, job == job_current(shell) ? '+' : ' ');
    for (int i = 0; with_pids && i < job->count; i++)
        buffer_format(out, "%ld ", (long)job->processes[i].pid);
    buffer_format(out, " %-20s %s%s\n", text, job->text, state == PROCESS_RUNNING && job->background ? " &" : "");
}

void jobs_report(struct shell *shell) {
    struct buffer text;
    buffer_init(&text);
    for (struct job *job = shell->jobs, *next; job; job = next) {
        next = job->next;
        enum process_state state = job_state(job);
        if (state != job->reported && shell->interactive)
            job_describe(shell, job, false, &text);
        job->reported = state;
        if (state == PROCESS_DONE && shell->interactive)
            job_free(shell, job);
    }
    descriptor_write(STDERR_FILENO, text.data, text.length);
    buffer_free(&text);
}

static struct job *job_by_text(const struct shell *shell, const char *text) {
    for (struct job *job = shell->jobs; job; job = job->next) {
        if (strncmp(job->text, text, strlen(text)) == 0)
            return job;
    }
    return NULL;
}

struct job *job_find(const struct shell *shell, const char *text) {
    struct job *last = NULL, *before = NULL;
    for (struct job *job = shell->jobs; job; job = job->next) {
        before = last;
        last = job;
    }
    bool is_id = *text == '%';
    if (is_id) {
        text++;
        if (!*text || strcmp(text, "%") == 0 || strcmp(text, "+") == 0)
            return last;
        if (strcmp(text, "-") == 0)
            return before;
    }
    char *end;
    long number = strtol(text, &end, 10);
    if (*end || end == text)
        return job_by_text(shell, text);
    for (struct job *job = shell->jobs; job; job = job->next) {
        if (is_id ? job->id == number : job->count && job->processes[job->count - 1].pid == number)
            return job;
    }
    return NULL;
}

void job_control_start(struct shell *shell) {
    shell->terminal = -1;
    if (!shell->interactive || !isatty(STDIN_FILENO))
        return;
    shell->terminal = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 10);
    if (shell->terminal < 0)
        return;
    shell_mode_known = tcgetattr(shell->terminal, &shell_mode) == 0;
    pid_t foreground = tcgetpgrp(shell->terminal);
    if (foreground < 0)
        return; // no controlling terminal: jobs share the shell's group
    if (foreground != getpgrp() && setpgid(0, foreground) != 0)
        return;
    if (getpgrp() != getpid() && setpgid(0, 0) != 0 && getpgrp() != getpid())
        return;
    shell->group = getpgrp();
    shell->job_control = true;
    terminal_give(shell, shell->group);
}
