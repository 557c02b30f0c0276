// Jobs: pipelines that were started, with the state of each of their processes. A foreground job lives until
// it ends or stops; a background job until its end was reported or waited for.
#pragma once

#include "programs/sh/shell.h"

enum process_state { PROCESS_RUNNING, PROCESS_STOPPED, PROCESS_DONE };

struct process {
    pid_t pid; // 0 if it could not be started
    enum process_state state;
    int status; // exit status as the shell gives it, or the signal that stopped it
    int signal; // that ended it, or 0
};

struct job {
    struct job *next;
    int id;
    pid_t group; // 0 without job control
    struct process *processes;
    int count;
    char *text;
    bool background;
    bool negated;
    enum process_state reported; // what the user was told last
};

struct job *job_new(struct shell *shell, char *text, bool background); // takes the text
void job_add(struct job *job, pid_t pid, int status);                  // pid 0: it failed with `status`
void job_free(struct shell *shell, struct job *job);
enum process_state job_state(const struct job *job);
int job_status(const struct job *job);

// Waits until a foreground job ends or stops, takes the terminal back, and returns its status. Frees a job
// that ended.
int job_wait(struct shell *shell, struct job *job);

// Waits for one job that runs in the background; false if a signal with a trap came first.
bool job_wait_end(struct shell *shell, struct job *job);

// Continues a job that was stopped, or moves one between foreground and background. Returns its status in
// foreground.
int job_continue(struct shell *shell, struct job *job, bool foreground);

// Collects what has ended without waiting.
void jobs_poll(struct shell *shell);

// Tells an interactive user what ended or stopped; with `all`, lists every job (to `out`).
void jobs_report(struct shell *shell);
void job_describe(const struct shell *shell, const struct job *job, bool with_pids, struct buffer *out);

// %1, %%, %+, %-, %text or a process id; null after no message.
struct job *job_find(const struct shell *shell, const char *text);

// Makes the shell the leader of its own foreground group, if it has a terminal.
void job_control_start(struct shell *shell);
void terminal_give(struct shell *shell, pid_t group);
