// libc's system layer over Linux system calls, so that the libc under test runs on the build machine: in unit
// tests, with its symbols renamed, and as the libc of real programs. Structures have Linux's layout already;
// what differs is converted here. Over 600 lines, because it is one short function for each one of libc/internal/system.h.
#include "libc/internal/system.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <string.h>
#include <sys/mman.h>

extern size_t linux_mapped_bytes;

enum {
    LINUX_READ = 0,
    LINUX_WRITE = 1,
    LINUX_CLOSE = 3,
    LINUX_POLL = 7,
    LINUX_LSEEK = 8,
    LINUX_MMAP = 9,
    LINUX_MPROTECT = 10,
    LINUX_MUNMAP = 11,
    LINUX_SIGACTION = 13,
    LINUX_SIGPROCMASK = 14,
    LINUX_IOCTL = 16,
    LINUX_PREAD = 17,
    LINUX_PWRITE = 18,
    LINUX_SCHED_YIELD = 24,
    LINUX_GETPID = 39,
    LINUX_FORK = 57,
    LINUX_EXECVE = 59,
    LINUX_EXIT = 60,
    LINUX_WAIT4 = 61,
    LINUX_KILL = 62,
    LINUX_UNAME = 63,
    LINUX_FCNTL = 72,
    LINUX_FSYNC = 74,
    LINUX_FDATASYNC = 75,
    LINUX_FTRUNCATE = 77,
    LINUX_GETCWD = 79,
    LINUX_CHDIR = 80,
    LINUX_FCHDIR = 81,
    LINUX_GETRUSAGE = 98,
    LINUX_SYSINFO = 99,
    LINUX_GETUID = 102,
    LINUX_GETGID = 104,
    LINUX_GETEUID = 107,
    LINUX_GETEGID = 108,
    LINUX_SETPGID = 109,
    LINUX_GETPPID = 110,
    LINUX_SETSID = 112,
    LINUX_GETPGID = 121,
    LINUX_GETSID = 124,
    LINUX_STATFS = 137,
    LINUX_FSTATFS = 138,
    LINUX_SYNC = 162,
    LINUX_MOUNT = 165,
    LINUX_UMOUNT2 = 166,
    LINUX_GETDENTS64 = 217,
    LINUX_CLOCK_SETTIME = 227,
    LINUX_CLOCK_GETTIME = 228,
    LINUX_CLOCK_GETRES = 229,
    LINUX_CLOCK_NANOSLEEP = 230,
    LINUX_EXIT_GROUP = 231,
    LINUX_OPENAT = 257,
    LINUX_MKDIRAT = 258,
    LINUX_MKNODAT = 259,
    LINUX_FCHOWNAT = 260,
    LINUX_NEWFSTATAT = 262,
    LINUX_UNLINKAT = 263,
    LINUX_RENAMEAT = 264,
    LINUX_LINKAT = 265,
    LINUX_SYMLINKAT = 266,
    LINUX_READLINKAT = 267,
    LINUX_FCHMODAT = 268,
    LINUX_FCHMOD = 91,
    LINUX_FACCESSAT = 269,
    LINUX_UTIMENSAT = 280,
    LINUX_DUP3 = 292,
    LINUX_PIPE2 = 293,
    LINUX_GETRANDOM = 318,
};

static long linux_call(long number, long a, long b, long c, long d, long e, long f) {
    long result;
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

#define CALL_6(number, a, b, c, d, e, f) linux_call(number, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))
#define CALL_4(number, a, b, c, d)       CALL_6(number, a, b, c, d, 0, 0)
#define CALL_3(number, a, b, c)          CALL_6(number, a, b, c, 0, 0, 0)
#define CALL_2(number, a, b)             CALL_6(number, a, b, 0, 0, 0, 0)
#define CALL_1(number, a)                CALL_6(number, a, 0, 0, 0, 0, 0)

static error_t status_of(long result) {
    return result < 0 ? (error_t)result : ERR_OK;
}

static error_t size_of(long result, size_t *done) {
    if (result >= 0)
        *done = (size_t)result;
    return status_of(result);
}

static error_t number_of(long result, int *number) {
    if (result >= 0)
        *number = (int)result;
    return status_of(result);
}

void system_start(void *argument, void *stack, struct start_arguments *arguments) {
    long *words = stack;
    (void)argument;
    arguments->argc = (int)words[0];
    arguments->argv = (char **)(words + 1);
    arguments->envp = arguments->argv + arguments->argc + 1;
}

_Noreturn void system_exit(int status) {
    for (;;)
        CALL_1(LINUX_EXIT_GROUP, status);
}

_Noreturn void system_abort(void) {
    struct sigaction action = {.sa_handler = SIG_DFL};
    (void)!system_signal_action(SIGABRT, &action, NULL);
    CALL_2(LINUX_KILL, CALL_1(LINUX_GETPID, 0), SIGABRT);
    system_exit(134);
}

// Watched and set by memory_test.c.
size_t linux_mapped_bytes, linux_mapped_most = SIZE_MAX;

error_t system_memory_map(size_t size, void **address) {
    if (size > linux_mapped_most - linux_mapped_bytes)
        return ERR_NO_MEMORY;
    long result = CALL_6(LINUX_MMAP, 0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (result >= 0) {
        *address = (void *)result;
        linux_mapped_bytes += size;
    }
    return status_of(result);
}

error_t system_memory_unmap(void *address, size_t size) {
    linux_mapped_bytes -= size;
    return status_of(CALL_2(LINUX_MUNMAP, address, size));
}

error_t system_memory_protect(void *address, size_t size, int protection) {
    return status_of(CALL_3(LINUX_MPROTECT, address, size, protection));
}

error_t system_open(int directory, const char *path, int flags, mode_t mode, int *fd) {
    return number_of(CALL_4(LINUX_OPENAT, directory, path, flags, mode), fd);
}

error_t system_close(int fd) {
    return status_of(CALL_1(LINUX_CLOSE, fd));
}

error_t system_read(int fd, void *buffer, size_t size, size_t *done) {
    return size_of(CALL_3(LINUX_READ, fd, buffer, size), done);
}

error_t system_write(int fd, const void *buffer, size_t size, size_t *done) {
    return size_of(CALL_3(LINUX_WRITE, fd, buffer, size), done);
}

error_t system_read_at(int fd, void *buffer, size_t size, off_t offset, size_t *done) {
    return size_of(CALL_4(LINUX_PREAD, fd, buffer, size, offset), done);
}

error_t system_write_at(int fd, const void *buffer, size_t size, off_t offset, size_t *done) {
    return size_of(CALL_4(LINUX_PWRITE, fd, buffer, size, offset), done);
}

error_t system_seek(int fd, off_t offset, int whence, off_t *position) {
    long result = CALL_3(LINUX_LSEEK, fd, offset, whence);
    if (result >= 0)
        *position = result;
    return status_of(result);
}

error_t system_duplicate(int fd, int minimum, int flags, int *copy) {
    return number_of(CALL_3(LINUX_FCNTL, fd, (flags & O_CLOEXEC) != 0 ? F_DUPFD_CLOEXEC : F_DUPFD, minimum), copy);
}

error_t system_duplicate_to(int fd, int copy, int flags) {
    return status_of(CALL_3(LINUX_DUP3, fd, copy, flags));
}

error_t system_descriptor_flags_get(int fd, int *flags) {
    return number_of(CALL_2(LINUX_FCNTL, fd, F_GETFD), flags);
}

error_t system_descriptor_flags_set(int fd, int flags) {
    return status_of(CALL_3(LINUX_FCNTL, fd, F_SETFD, flags));
}

error_t system_file_flags_get(int fd, int *flags) {
    return number_of(CALL_2(LINUX_FCNTL, fd, F_GETFL), flags);
}

error_t system_file_flags_set(int fd, int flags) {
    return status_of(CALL_3(LINUX_FCNTL, fd, F_SETFL, flags));
}

error_t system_pipe(int flags, int *read_end, int *write_end) {
    int fds[2];
    long result = CALL_2(LINUX_PIPE2, fds, flags);
    if (result >= 0) {
        *read_end = fds[0];
        *write_end = fds[1];
    }
    return status_of(result);
}

error_t system_poll(struct pollfd *fds, nfds_t count, int timeout, size_t *ready) {
    return size_of(CALL_3(LINUX_POLL, fds, count, timeout), ready);
}

error_t system_sync_file(int fd, bool data_only) {
    return status_of(CALL_1(data_only ? LINUX_FDATASYNC : LINUX_FSYNC, fd));
}

error_t system_sync(void) {
    return status_of(CALL_1(LINUX_SYNC, 0));
}

error_t system_truncate(int fd, off_t size) {
    return status_of(CALL_2(LINUX_FTRUNCATE, fd, size));
}

error_t system_status(int directory, const char *path, int flags, struct stat *status) {
    return status_of(CALL_4(LINUX_NEWFSTATAT, directory, path, status, flags));
}

// Linux's struct statfs.
struct linux_statfs {
    long type, block_size;
    unsigned long blocks, free_blocks, available_blocks, files, free_files;
    int id[2];
    long name_length, fragment_size, flags, spare[4];
};

error_t system_file_system_status(int directory, const char *path, int flags, struct statvfs *status) {
    struct linux_statfs from = {0};
    long result = (flags & AT_EMPTY_PATH) != 0 ? CALL_2(LINUX_FSTATFS, directory, &from) : CALL_2(LINUX_STATFS, path, &from);
    if (result < 0)
        return status_of(result);
    *status = (struct statvfs){.f_bsize = (unsigned long)from.block_size,
                               .f_frsize = (unsigned long)from.fragment_size,
                               .f_blocks = from.blocks,
                               .f_bfree = from.free_blocks,
                               .f_bavail = from.available_blocks,
                               .f_files = from.files,
                               .f_ffree = from.free_files,
                               .f_favail = from.free_files,
                               .f_flag = (unsigned long)from.flags,
                               .f_namemax = (unsigned long)from.name_length};
    strcpy(status->f_basetype, from.type == 0xef53 ? "ext" : from.type == 0x01021994 ? "tmpfs" : "other");
    return ERR_OK;
}

error_t system_access(int directory, const char *path, int mode, int flags) {
    return status_of(CALL_4(LINUX_FACCESSAT, directory, path, mode, flags));
}

error_t system_change_mode(int directory, const char *path, mode_t mode, int flags) {
    if ((flags & AT_EMPTY_PATH) != 0)
        return status_of(CALL_2(LINUX_FCHMOD, directory, mode));
    return status_of(CALL_3(LINUX_FCHMODAT, directory, path, mode));
}

error_t system_change_owner(int directory, const char *path, uid_t uid, gid_t gid, int flags) {
    return status_of(CALL_6(LINUX_FCHOWNAT, directory, path, uid, gid, flags, 0));
}

error_t system_set_times(int directory, const char *path, const struct timespec times[2], int flags) {
    bool self = (flags & AT_EMPTY_PATH) != 0;
    return status_of(CALL_4(LINUX_UTIMENSAT, directory, self ? NULL : path, times, self ? 0 : flags));
}

error_t system_make_directory(int directory, const char *path, mode_t mode) {
    return status_of(CALL_3(LINUX_MKDIRAT, directory, path, mode));
}

error_t system_make_node(int directory, const char *path, mode_t mode, dev_t device) {
    return status_of(CALL_4(LINUX_MKNODAT, directory, path, mode, device));
}

error_t system_unlink(int directory, const char *path, int flags) {
    return status_of(CALL_3(LINUX_UNLINKAT, directory, path, flags));
}

error_t system_rename(int from_directory, const char *from, int to_directory, const char *to) {
    return status_of(CALL_4(LINUX_RENAMEAT, from_directory, from, to_directory, to));
}

error_t system_link(int from_directory, const char *from, int to_directory, const char *to, int flags) {
    return status_of(CALL_6(LINUX_LINKAT, from_directory, from, to_directory, to, flags, 0));
}

error_t system_symlink(const char *target, int directory, const char *path) {
    return status_of(CALL_3(LINUX_SYMLINKAT, target, directory, path));
}

error_t system_read_link(int directory, const char *path, char *buffer, size_t size, size_t *done) {
    return size_of(CALL_4(LINUX_READLINKAT, directory, path, buffer, size), done);
}

error_t system_read_directory(int fd, void *buffer, size_t size, size_t *done) {
    return size_of(CALL_3(LINUX_GETDENTS64, fd, buffer, size), done);
}

error_t system_change_directory(int directory, const char *path) {
    return status_of(*path == '\0' ? CALL_1(LINUX_FCHDIR, directory) : CALL_1(LINUX_CHDIR, path));
}

error_t system_working_directory(char *buffer, size_t size) {
    return status_of(CALL_2(LINUX_GETCWD, buffer, size));
}

error_t system_mount(const char *source, const char *target, const char *type, unsigned long flags, const void *data) {
    return status_of(CALL_6(LINUX_MOUNT, source, target, type, flags, data, 0));
}

error_t system_unmount(const char *target, int flags) {
    return status_of(CALL_2(LINUX_UMOUNT2, target, flags));
}

// Linux's struct termios has 19 control characters and no speeds of its own.
struct linux_termios {
    tcflag_t flags[4];
    cc_t line, characters[19];
};

enum {
    LINUX_TCGETS = 0x5401,
    LINUX_TCSETS = 0x5402,
    LINUX_TCSBRK = 0x5409,
    LINUX_TCXONC = 0x540a,
    LINUX_TCFLSH = 0x540b,
    LINUX_TIOCGSID = 0x5429
};

error_t system_terminal_get(int fd, struct termios *settings) {
    struct linux_termios from;
    long result = CALL_3(LINUX_IOCTL, fd, LINUX_TCGETS, &from);
    if (result < 0)
        return status_of(result);
    memset(settings, 0, sizeof *settings);
    settings->c_iflag = from.flags[0];
    settings->c_oflag = from.flags[1];
    settings->c_cflag = from.flags[2];
    settings->c_lflag = from.flags[3];
    settings->c_line = from.line;
    memcpy(settings->c_cc, from.characters, sizeof from.characters);
    settings->c_ispeed = settings->c_ospeed = from.flags[2] & 0010017;
    return ERR_OK;
}

error_t system_terminal_set(int fd, int when, const struct termios *settings) {
    struct linux_termios to = {
        {settings->c_iflag, settings->c_oflag, settings->c_cflag, settings->c_lflag}, settings->c_line, {0}};
    memcpy(to.characters, settings->c_cc, sizeof to.characters);
    return status_of(CALL_3(LINUX_IOCTL, fd, LINUX_TCSETS + when, &to));
}

error_t system_terminal_flush(int fd, int queue) {
    return status_of(CALL_3(LINUX_IOCTL, fd, LINUX_TCFLSH, queue));
}

error_t system_terminal_drain(int fd) {
    return status_of(CALL_3(LINUX_IOCTL, fd, LINUX_TCSBRK, 1));
}

error_t system_terminal_flow(int fd, int action) {
    return status_of(CALL_3(LINUX_IOCTL, fd, LINUX_TCXONC, action));
}

// What the build machine has no equal of.
error_t system_terminal_pair(int *master, int *terminal) {
    *master = *terminal = -1;
    return ERR_NOT_SUPPORTED;
}

error_t system_terminal_layout_get(int fd, void *layout, size_t size, size_t *count) {
    (void)fd, (void)layout, (void)size;
    *count = 0;
    return ERR_NOT_TERMINAL;
}

error_t system_terminal_layout_set(int fd, const void *layout, size_t size) {
    (void)fd, (void)layout, (void)size;
    return ERR_NOT_TERMINAL;
}

error_t system_terminal_picture(int fd, uint64_t line, void *pixels, size_t size, uint64_t *width, uint64_t *height,
                                size_t *count) {
    (void)fd, (void)line, (void)pixels, (void)size;
    *width = *height = *count = 0;
    return ERR_NOT_TERMINAL;
}

error_t system_terminal_cells(int fd, struct screen_cells *row) {
    (void)fd, (void)row;
    return ERR_NOT_TERMINAL;
}

error_t system_terminal_size_get(int fd, struct winsize *size) {
    return status_of(CALL_3(LINUX_IOCTL, fd, TIOCGWINSZ, size));
}

error_t system_terminal_size_set(int fd, const struct winsize *size) {
    return status_of(CALL_3(LINUX_IOCTL, fd, TIOCSWINSZ, size));
}

error_t system_terminal_group_get(int fd, pid_t *group) {
    return status_of(CALL_3(LINUX_IOCTL, fd, TIOCGPGRP, group));
}

error_t system_terminal_group_set(int fd, pid_t group) {
    return status_of(CALL_3(LINUX_IOCTL, fd, TIOCSPGRP, &group));
}

error_t system_terminal_take(int fd) {
    return status_of(CALL_3(LINUX_IOCTL, fd, TIOCSCTTY, 0));
}

error_t system_terminal_session(int fd, pid_t *session) {
    return status_of(CALL_3(LINUX_IOCTL, fd, LINUX_TIOCGSID, session));
}

error_t system_bytes_ready(int fd, size_t *count) {
    int ready = 0;
    long result = CALL_3(LINUX_IOCTL, fd, FIONREAD, &ready);
    *count = (size_t)ready;
    return status_of(result);
}

error_t system_device_size(int fd, uint64_t *bytes) {
    return status_of(CALL_3(LINUX_IOCTL, fd, BLKGETSIZE64, bytes));
}

static error_t child_act(const struct __spawn_action *action) {
    int fd;
    error_t error;
    switch (action->kind) {
    case SPAWN_ACTION_OPEN:
        error = system_open(AT_FDCWD, action->path, action->flags, action->mode, &fd);
        if (error != ERR_OK || fd == action->fd)
            return error;
        error = system_duplicate_to(fd, action->fd, 0);
        system_close(fd);
        return error;
    case SPAWN_ACTION_CLOSE:
        return system_close(action->fd);
    case SPAWN_ACTION_DUP2:
        return action->fd == action->new_fd ? system_descriptor_flags_set(action->fd, 0)
                                            : system_duplicate_to(action->fd, action->new_fd, 0);
    case SPAWN_ACTION_CHDIR:
        return system_change_directory(AT_FDCWD, action->path);
    case SPAWN_ACTION_FCHDIR:
        return system_change_directory(action->fd, "");
    }
    return ERR_INVALID;
}

static error_t child_attributes(const posix_spawnattr_t *attributes) {
    pid_t session;
    error_t error = ERR_OK;
    if (attributes == NULL)
        return error;
    if ((attributes->flags & POSIX_SPAWN_SETSID) != 0)
        error = system_session_create(&session);
    if (error == ERR_OK && (attributes->flags & POSIX_SPAWN_SETPGROUP) != 0)
        error = system_group_set(0, attributes->group);
    struct sigaction reset = {.sa_handler = SIG_DFL};
    for (int signal = 1; signal < NSIG && error == ERR_OK; signal++)
        if ((attributes->flags & POSIX_SPAWN_SETSIGDEF) != 0 && sigismember(&attributes->defaults, signal) == 1)
            error = system_signal_action(signal, &reset, NULL);
    if (error == ERR_OK && (attributes->flags & POSIX_SPAWN_SETSIGMASK) != 0)
        error = system_signal_mask(SIG_SETMASK, &attributes->mask, NULL);
    return error;
}

// The child reports why it could not start through a pipe that the start of the program closes.
error_t system_spawn(const struct spawn_request *request, pid_t *pid) {
    int report[2];
    size_t done = 0;
    error_t error = system_pipe(O_CLOEXEC, &report[0], &report[1]);
    if (error != ERR_OK)
        return error;
    long child = CALL_1(LINUX_FORK, 0);
    if (child == 0) {
        error = child_attributes(request->attributes);
        for (size_t i = 0; i < request->action_count && error == ERR_OK; i++)
            error = child_act(&request->actions[i]);
        if (error == ERR_OK)
            error = (error_t)CALL_3(LINUX_EXECVE, request->path, request->argv, request->envp);
        (void)!system_write(report[1], &error, sizeof error, &done);
        system_exit(127);
    }
    system_close(report[1]);
    error_t failure = ERR_OK;
    if (child > 0 && system_read(report[0], &failure, sizeof failure, &done) == ERR_OK && done == 0) {
        *pid = (pid_t)child;
    } else if (child > 0) {
        CALL_4(LINUX_WAIT4, child, 0, 0, 0);
    } else {
        failure = (error_t)child;
    }
    system_close(report[0]);
    return failure;
}

error_t system_wait(pid_t pid, int options, int *status, struct rusage *usage, pid_t *changed) {
    char full_usage[256]; // Linux's struct is longer and begins alike
    long result = CALL_4(LINUX_WAIT4, pid, status, options, full_usage);
    if (result >= 0 && usage != NULL)
        memcpy(usage, full_usage, 2 * sizeof(struct timeval) + sizeof(long));
    return number_of(result, changed);
}

error_t system_kill(pid_t pid, int signal) {
    return status_of(CALL_2(LINUX_KILL, pid, signal));
}

error_t system_identity(pid_t pid, struct process_identity *identity) {
    long group = CALL_1(LINUX_GETPGID, pid), session = CALL_1(LINUX_GETSID, pid);
    if (group < 0 || session < 0)
        return status_of(group < 0 ? group : session);
    *identity = (struct process_identity){.pid = pid != 0 ? pid : (pid_t)CALL_1(LINUX_GETPID, 0),
                                          .parent = (pid_t)CALL_1(LINUX_GETPPID, 0),
                                          .group = (pid_t)group,
                                          .session = (pid_t)session,
                                          .uid = (uid_t)CALL_1(LINUX_GETUID, 0),
                                          .effective_uid = (uid_t)CALL_1(LINUX_GETEUID, 0),
                                          .gid = (gid_t)CALL_1(LINUX_GETGID, 0),
                                          .effective_gid = (gid_t)CALL_1(LINUX_GETEGID, 0)};
    return ERR_OK;
}

error_t system_group_set(pid_t pid, pid_t group) {
    return status_of(CALL_2(LINUX_SETPGID, pid, group));
}

error_t system_session_create(pid_t *session) {
    return number_of(CALL_1(LINUX_SETSID, 0), session);
}

error_t system_usage(int who, struct rusage *usage) {
    char full_usage[256] = {0};
    long result = CALL_2(LINUX_GETRUSAGE, who, full_usage);
    memset(usage, 0, sizeof *usage);
    memcpy(usage, full_usage, 2 * sizeof(struct timeval) + sizeof(long));
    return status_of(result);
}

void system_yield(void) {
    CALL_1(LINUX_SCHED_YIELD, 0);
}

// Linux wants a function that ends the handler.
struct linux_sigaction {
    void (*handler)(int);
    unsigned long flags;
    void (*restorer)(void);
    sigset_t mask;
};

__asm__(".text\n.globl linux_signal_return\n.hidden linux_signal_return\nlinux_signal_return:\nmov $15, "
        "%eax\nsyscall\n");
void linux_signal_return(void) __attribute__((visibility("hidden")));

error_t system_signal_action(int signal, const struct sigaction *action, struct sigaction *old) {
    struct linux_sigaction to, from;
    if (action != NULL)
        to = (struct linux_sigaction){action->sa_handler, (unsigned)action->sa_flags | 0x04000000, linux_signal_return,
                                      action->sa_mask};
    long result = CALL_4(LINUX_SIGACTION, signal, action != NULL ? &to : NULL, &from, sizeof(sigset_t));
    if (result >= 0 && old != NULL)
        *old =
            (struct sigaction){.sa_handler = from.handler, .sa_mask = from.mask, .sa_flags = (int)(from.flags & ~0x04000000ul)};
    return status_of(result);
}

error_t system_signal_mask(int how, const sigset_t *set, sigset_t *old) {
    return status_of(CALL_4(LINUX_SIGPROCMASK, how, set, old, sizeof *set));
}

error_t system_clock_get(clockid_t clock, struct timespec *time) {
    return status_of(CALL_2(LINUX_CLOCK_GETTIME, clock, time));
}

error_t system_clock_set(clockid_t clock, const struct timespec *time) {
    return status_of(CALL_2(LINUX_CLOCK_SETTIME, clock, time));
}

error_t system_clock_resolution(clockid_t clock, struct timespec *resolution) {
    return status_of(CALL_2(LINUX_CLOCK_GETRES, clock, resolution));
}

error_t system_sleep(clockid_t clock, int flags, const struct timespec *time, struct timespec *remaining) {
    return status_of(CALL_4(LINUX_CLOCK_NANOSLEEP, clock, flags, time, remaining));
}

error_t system_random(void *buffer, size_t size) {
    for (size_t at = 0; at < size;) {
        long result = CALL_3(LINUX_GETRANDOM, (char *)buffer + at, size - at, 0);
        if (result < 0)
            return status_of(result);
        at += (size_t)result;
    }
    return ERR_OK;
}

error_t system_name(struct utsname *name) {
    struct utsname with_domain[2]; // Linux adds a sixth name
    long result = CALL_1(LINUX_UNAME, with_domain);
    *name = with_domain[0];
    return status_of(result);
}

error_t system_machine_size(struct machine_size *size) {
    struct {
        long uptime;
        unsigned long loads[3], total, free;
        char rest[128];
    } information;
    long result = CALL_1(LINUX_SYSINFO, &information);
    if (result >= 0)
        *size = (struct machine_size){information.total / 4096, information.free / 4096, 1};
    return status_of(result);
}

error_t system_reboot(unsigned how) {
    (void)how;
    return ERR_NOT_PERMITTED; // not the build machine
}
