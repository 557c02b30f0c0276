// top: shows what runs, again and again: who uses the processors, who the memory. Keys sort, choose and kill.
#define _DEFAULT_SOURCE // the build machine shows what is beyond POSIX only then
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "programs/common/buffer.h"
#include "programs/common/proc.h"
#include "programs/common/program.h"
#include "programs/common/terminal.h"

enum order { BY_CPU, BY_MEMORY, BY_TIME, BY_PID, BY_NAME };
enum { NAME_BYTES = 32, HEAD_ROWS = 4 };

struct process {
    long pid, parent;
    char state;
    int priority;
    uint64_t memory_kib, cpu_ms;
    unsigned permille; // of one processor, since the last look
    char name[NAME_BYTES];
};

static struct top {
    struct process *list, *before;
    size_t count, before_count, capacity;
    uint64_t looked_at; // milliseconds
    enum order order;
    bool reverse, quit;
    size_t chosen, first; // places in the list
    long chosen_pid;
    int rows, columns, delay;
    char message[96];
} top = {.delay = 2000};

static uint64_t now(void) {
    struct timespec time;
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
}

static int compare(const void *left, const void *right) {
    const struct process *a = left, *b = right;
    int result = 0;
    switch (top.order) {
    case BY_CPU:
        result = (b->permille > a->permille) - (b->permille < a->permille);
        break;
    case BY_MEMORY:
        result = (b->memory_kib > a->memory_kib) - (b->memory_kib < a->memory_kib);
        break;
    case BY_TIME:
        result = (b->cpu_ms > a->cpu_ms) - (b->cpu_ms < a->cpu_ms);
        break;
    case BY_NAME:
        result = strcmp(a->name, b->name);
        break;
    case BY_PID:
        break;
    }
    if (result == 0)
        result = (a->pid > b->pid) - (a->pid < b->pid);
    return top.reverse ? -result : result;
}

static const struct process *find_before(long pid) {
    for (size_t i = 0; i < top.before_count; i++)
        if (top.before[i].pid == pid)
            return &top.before[i];
    return NULL;
}

static void add(const struct proc_process *process, uint64_t elapsed) {
    if (top.count == top.capacity) {
        top.capacity = top.capacity ? 2 * top.capacity : 64;
        top.list = memory_resize(top.list, top.capacity * sizeof(*top.list));
    }
    struct process *own = &top.list[top.count++];
    *own = (struct process){.pid = process->pid,
                            .parent = process->parent,
                            .state = process->state,
                            .priority = process->priority,
                            .memory_kib = process->memory_kib,
                            .cpu_ms = process->cpu_ms};
    (void)snprintf(own->name, sizeof(own->name), "%s", process->name);
    const struct process *before = find_before(process->pid);
    if (before != NULL && elapsed > 0 && process->cpu_ms >= before->cpu_ms)
        own->permille = (unsigned)((process->cpu_ms - before->cpu_ms) * 1000 / elapsed);
}

// The choice stays with its process wherever that goes.
static void follow(void) {
    for (size_t i = 0; i < top.count; i++)
        if (top.list[i].pid == top.chosen_pid)
            top.chosen = i;
    if (top.chosen >= top.count)
        top.chosen = top.count - 1;
    top.chosen_pid = top.list[top.chosen].pid;
}

static void sort(void) {
    qsort(top.list, top.count, sizeof(*top.list), compare);
    follow();
}

static void look(void) {
    struct proc_file file;
    struct proc_process process;
    uint64_t time = now(), elapsed = top.looked_at != 0 ? time - top.looked_at : 0;
    free(top.before);
    top.before = top.list;
    top.before_count = top.count;
    top.list = NULL;
    top.count = top.capacity = 0;
    proc_open(&file, "processes");
    while (proc_process_next(&file, &process))
        add(&process, elapsed);
    proc_close(&file);
    top.looked_at = time;
    sort();
}

// --- Drawing ---

static void draw_bar(struct buffer *out, const char *label, uint64_t part, uint64_t whole, const char *colour) {
    enum { WIDTH = 30 };
    uint64_t filled = whole != 0 ? part * WIDTH / whole : 0;
    buffer_format(out, "%-7s[\033[%sm", label, colour);
    for (uint64_t i = 0; i < WIDTH; i++)
        buffer_append_text(out, i < filled ? "█" : i == filled ? "\033[90m·" : "·");
    buffer_format(out, "\033[m]");
}

static void draw_head(struct buffer *out) {
    uint64_t total = proc_memory("total_bytes"), left = proc_memory("free_bytes");
    unsigned busy = 0;
    size_t running = 0, stopped = 0;
    char clock[16] = "";
    time_t seconds = time(NULL);
    for (size_t i = 0; i < top.count; i++) {
        busy += top.list[i].permille;
        running += top.list[i].state == 'R';
        stopped += top.list[i].state == 'T';
    }
    const struct tm *parts = localtime(&seconds);
    if (parts)
        (void)strftime(clock, sizeof(clock), "%H:%M:%S", parts);
    buffer_format(out, "\033[H\033[1mtop\033[m  %s   %zu processes, %zu running, %zu stopped\033[K\r\n", clock, top.count,
                  running, stopped);
    draw_bar(out, "CPU", busy, 1000, "32");
    buffer_format(out, " %u.%u %%\033[K\r\n", busy / 10, busy % 10);
    draw_bar(out, "Memory", total - left, total, "36");
    buffer_format(out, " %llu of %llu KiB\033[K\r\n", (unsigned long long)((total - left) >> 10),
                  (unsigned long long)(total >> 10));
}

static void draw_process(struct buffer *out, const struct process *process, bool chosen) {
    unsigned long long seconds = process->cpu_ms / 1000;
    char line[160];
    int length = snprintf(line, sizeof(line), "%6ld %6ld %3d %c %3u.%u %8lluK %4llu:%02llu.%02llu  %s", process->pid,
                          process->parent, process->priority, process->state, process->permille / 10, process->permille % 10,
                          (unsigned long long)process->memory_kib, seconds / 60, seconds % 60,
                          (unsigned long long)process->cpu_ms % 1000 / 10, process->name);
    if (length > top.columns && (size_t)top.columns < sizeof(line))
        line[top.columns] = 0;
    buffer_format(out, "\033[K%s%s%-*s\033[m\r\n", chosen ? "\033[7m" : "", process->permille > 0 ? "\033[1m" : "",
                  chosen ? top.columns : 0, line); // bars go from edge to edge
}

static void draw(void) {
    struct buffer out;
    buffer_init(&out);
    terminal_size(STDOUT_FILENO, &top.rows, &top.columns);
    size_t height = top.rows > HEAD_ROWS + 2 ? (size_t)(top.rows - HEAD_ROWS - 1) : 1;
    if (top.chosen < top.first)
        top.first = top.chosen;
    if (top.chosen >= top.first + height)
        top.first = top.chosen - height + 1;
    buffer_append_text(&out, "\033[?2026h\033[?25l");
    draw_head(&out);
    static const char *const titles[] = {"%CPU", "MEMORY", "TIME", "PID", "NAME"};
    char head[160];
    (void)snprintf(head, sizeof(head), "   PID   PPID PRI S  %%CPU    MEMORY      TIME  NAME   (by %s%s)", titles[top.order],
                   top.reverse ? ", reversed" : "");
    if ((size_t)top.columns < sizeof(head))
        head[top.columns] = 0;
    buffer_format(&out, "\033[7m%-*s\033[m\r\n", top.columns, head);
    for (size_t i = top.first; i < top.first + height; i++) {
        if (i < top.count)
            draw_process(&out, &top.list[i], i == top.chosen);
        else
            buffer_append_text(&out, "\033[K\r\n");
    }
    buffer_format(&out, "%s\033[K\033[?2026l",
                  top.message[0] ? top.message : "P M T N I sort  R reverse  arrows choose  k kill  + - delay  q leave");
    descriptor_write(STDOUT_FILENO, out.data, out.length);
    buffer_free(&out);
}

// --- Keys ---

static void kill_chosen(void) {
    const struct process process = top.list[top.chosen];
    (void)snprintf(top.message, sizeof(top.message), "end %.20s (%ld)?  y: ask it to (TERM)  9: at once (KILL)  else: no",
                   process.name, process.pid);
    draw();
    top.message[0] = 0;
    uint32_t key = terminal_key_read(STDIN_FILENO, -1);
    int signal = key == 'y' ? SIGTERM : key == '9' ? SIGKILL : 0;
    if (signal != 0 && kill((pid_t)process.pid, signal) != 0)
        (void)snprintf(top.message, sizeof(top.message), "%.20s: %s", process.name, error_text(errno));
}

static void choose(long by) {
    long place = (long)top.chosen + by;
    top.chosen = (size_t)(place < 0 ? 0 : place >= (long)top.count ? (long)top.count - 1 : place);
    top.chosen_pid = top.list[top.chosen].pid;
}

static void order_by(enum order order) {
    top.order = order;
    sort();
}

static void mouse(void) {
    if (terminal_mouse.button == MOUSE_WHEEL_UP || terminal_mouse.button == MOUSE_WHEEL_DOWN)
        choose(terminal_mouse.button == MOUSE_WHEEL_UP ? -3 : 3);
    else if (terminal_mouse.button == MOUSE_LEFT && !terminal_mouse.released && terminal_mouse.row >= HEAD_ROWS)
        choose((long)top.first + terminal_mouse.row - HEAD_ROWS - (long)top.chosen);
}

static void handle(uint32_t key) {
    top.message[0] = 0;
    if (key == 'q' || key == KEY_CONTROL('C') || key == KEY_CLOSED)
        top.quit = true;
    else if (key == 'P' || key == 'p')
        order_by(BY_CPU);
    else if (key == 'M' || key == 'm')
        order_by(BY_MEMORY);
    else if (key == 'T' || key == 't')
        order_by(BY_TIME);
    else if (key == 'I' || key == 'i')
        order_by(BY_PID);
    else if (key == 'N' || key == 'n')
        order_by(BY_NAME);
    else if (key == 'R' || key == 'r') {
        top.reverse = !top.reverse;
        sort();
    } else if (key == KEY_UP)
        choose(-1);
    else if (key == KEY_DOWN)
        choose(1);
    else if (key == KEY_PAGE_UP || key == KEY_PAGE_DOWN)
        choose(key == KEY_PAGE_UP ? -10 : 10);
    else if (key == 'k')
        kill_chosen();
    else if (key == '+' || key == '-')
        top.delay = key == '+' ? (top.delay < 10000 ? top.delay * 2 : top.delay) : (top.delay > 250 ? top.delay / 2 : top.delay);
    else if (key == KEY_MOUSE)
        mouse();
}

static void size_changed(int signal) {
    (void)signal; // the wait for a key ends, and the next drawing asks for the size
}

// Once, without a terminal: for scripts.
static void print_once(void) {
    look();
    (void)usleep(500000);
    look();
    printf("   PID  %%CPU   MEMORY NAME\n");
    for (size_t i = 0; i < top.count; i++)
        printf("%6ld %3u.%u %7lluK %s\n", top.list[i].pid, top.list[i].permille / 10, top.list[i].permille % 10,
               (unsigned long long)top.list[i].memory_kib, top.list[i].name);
}

int main(int argc, char **argv) {
    struct termios saved;
    program_start(argc, argv, "[-b] [-d SECONDS]", "  -b  print once and end   -d  the time between two looks\n");
    bool once = false;
    for (int option; (option = program_option("bd:")) != -1;) {
        once |= option == 'b';
        if (option == 'd')
            top.delay = (int)number_parse(program_argument, "number of seconds") * 1000;
    }
    if (once || !isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
        print_once();
        return program_end(0);
    }
    if (!terminal_raw_begin(STDIN_FILENO, &saved, 0))
        program_fail("terminal", "%s", error_text(errno));
    struct sigaction action = {.sa_handler = size_changed};
    (void)sigaction(SIGWINCH, &action, NULL);
    descriptor_write(STDOUT_FILENO, "\033[?1049h", 8);
    terminal_mouse_reports(STDOUT_FILENO, true);
    look();
    while (!top.quit) {
        draw();
        uint64_t next = top.looked_at + (uint64_t)top.delay, time = now();
        uint32_t key = time < next ? terminal_key_read(STDIN_FILENO, (int)(next - time)) : KEY_NONE;
        if (key != KEY_NONE)
            handle(key);
        else
            look();
    }
    terminal_mouse_reports(STDOUT_FILENO, false);
    descriptor_write(STDOUT_FILENO, "\033[?25h\033[?1049l", 14);
    terminal_raw_end(STDIN_FILENO, &saved);
    free(top.list);
    free(top.before);
    return program_end(0);
}
