// The layer below libc: what the system does for a process. Everything in libc that is not pure computation
// is a thin function over these, so a port of libc is an implementation of this file and nothing else (over
// the generated IPC stubs on Keelson, over Linux in the host tests).
//
// Rules that hold for all: the return value is ERR_OK or a negative error; results go through the
// out-parameters, which are untouched on error. Pointers are borrowed for the call. Paths are NUL-terminated
// and relative to the directory descriptor, or to the working directory if that is AT_FDCWD; flags are those
// of the POSIX call that the comment names. Nothing here touches errno. A call that waits may end with
// ERR_INTERRUPTED.
#pragma once

#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/types.h>
#include <sys/utsname.h>
#include <termios.h>
#include <time.h>

#include "kernel/abi/errors.h"

// --- Start and end of the process ---

// What the process was started with. The arrays end with a null pointer and live as long as the process;
// argv[0] may be missing.
struct start_arguments {
    int argc;
    char **argv;
    char **envp;
};

// Called once, before any other function here, with the two registers that _start was entered with: the first
// argument register and the stack pointer.
void system_start(void *argument, void *stack, struct start_arguments *arguments);
// status: 0 to 255.
_Noreturn void system_exit(int status);
// Ends the process as if by the signal SIGABRT, whatever its handlers.
_Noreturn void system_abort(void);

// --- Memory ---

// Zeroed, readable and writable memory; size is a multiple of 4096, the address page-aligned.
MUST_USE error_t system_memory_map(size_t size, void **address);
// Exactly a range that system_memory_map gave, or whole pages of it.
error_t system_memory_unmap(void *address, size_t size);
// protection: PROT_...; W^X is enforced below.
MUST_USE error_t system_memory_protect(void *address, size_t size, int protection);

// --- Descriptors ---

// open(2). mode has the umask already applied.
MUST_USE error_t system_open(int directory, const char *path, int flags, mode_t mode, int *fd);
// The descriptor is free afterwards, whatever the result; the result tells whether what was written is safe.
error_t system_close(int fd);
// *done may be less than size; 0 is the end of the file.
MUST_USE error_t system_read(int fd, void *buffer, size_t size, size_t *done);
MUST_USE error_t system_write(int fd, const void *buffer, size_t size, size_t *done);
MUST_USE error_t system_read_at(int fd, void *buffer, size_t size, off_t offset, size_t *done);
MUST_USE error_t system_write_at(int fd, const void *buffer, size_t size, off_t offset, size_t *done);
MUST_USE error_t system_seek(int fd, off_t offset, int whence, off_t *position);
// A copy at the lowest free descriptor from minimum on. flags: O_CLOEXEC or 0.
MUST_USE error_t system_duplicate(int fd, int minimum, int flags, int *copy);
// A copy at exactly `copy`, which is closed first; the two must differ.
MUST_USE error_t system_duplicate_to(int fd, int copy, int flags);
// FD_CLOEXEC.
MUST_USE error_t system_descriptor_flags_get(int fd, int *flags);
MUST_USE error_t system_descriptor_flags_set(int fd, int flags);
// Access mode, O_APPEND and O_NONBLOCK of the open file, which copies share.
MUST_USE error_t system_file_flags_get(int fd, int *flags);
MUST_USE error_t system_file_flags_set(int fd, int flags);
MUST_USE error_t system_pipe(int flags, int *read_end, int *write_end);
// poll(2). timeout in milliseconds, negative for none; *ready counts the entries with events.
MUST_USE error_t system_poll(struct pollfd *fds, nfds_t count, int timeout, size_t *ready);
// data_only: fdatasync.
MUST_USE error_t system_sync_file(int fd, bool data_only);
MUST_USE error_t system_sync(void);
MUST_USE error_t system_truncate(int fd, off_t size);

// --- Files by path. An empty path with AT_EMPTY_PATH means the descriptor itself. ---

// fstatat(2).
MUST_USE error_t system_status(int directory, const char *path, int flags, struct stat *status);
MUST_USE error_t system_file_system_status(int directory, const char *path, int flags, struct statvfs *status);
// faccessat(2).
MUST_USE error_t system_access(int directory, const char *path, int mode, int flags);
MUST_USE error_t system_change_mode(int directory, const char *path, mode_t mode, int flags);
// uid or gid (uid_t)-1: unchanged.
MUST_USE error_t system_change_owner(int directory, const char *path, uid_t uid, gid_t gid, int flags);
// utimensat(2): access and modification time; null means now for both.
MUST_USE error_t system_set_times(int directory, const char *path, const struct timespec times[2], int flags);
// mode has the umask already applied.
MUST_USE error_t system_make_directory(int directory, const char *path, mode_t mode);
// mknod(2): S_IFIFO, S_IFCHR, S_IFBLK, S_IFREG.
MUST_USE error_t system_make_node(int directory, const char *path, mode_t mode, dev_t device);
// AT_REMOVEDIR: rmdir.
MUST_USE error_t system_unlink(int directory, const char *path, int flags);
MUST_USE error_t system_rename(int from_directory, const char *from, int to_directory, const char *to);
// AT_SYMLINK_FOLLOW.
MUST_USE error_t system_link(int from_directory, const char *from, int to_directory, const char *to, int flags);
MUST_USE error_t system_symlink(const char *target, int directory, const char *path);
// Not NUL-terminated, cut at size.
MUST_USE error_t system_read_link(int directory, const char *path, char *buffer, size_t size, size_t *done);
// Fills the buffer with whole struct dirent records, each d_reclen bytes, aligned to 8; *done is 0 at the
// end. The position is moved by system_seek to a d_off (or to 0).
MUST_USE error_t system_read_directory(int fd, void *buffer, size_t size, size_t *done);
// chdir(2); fchdir with an empty path.
MUST_USE error_t system_change_directory(int directory, const char *path);
// An absolute path with its NUL; ERR_RANGE if size is too small.
MUST_USE error_t system_working_directory(char *buffer, size_t size);
MUST_USE error_t system_mount(const char *source, const char *target, const char *type, unsigned long flags, const void *data);
MUST_USE error_t system_unmount(const char *target, int flags);

// --- Terminals: ERR_NOT_TERMINAL for anything else ---

MUST_USE error_t system_terminal_get(int fd, struct termios *settings);
// when: TCSANOW, TCSADRAIN or TCSAFLUSH.
MUST_USE error_t system_terminal_set(int fd, int when, const struct termios *settings);
MUST_USE error_t system_terminal_flush(int fd, int queue);
MUST_USE error_t system_terminal_drain(int fd);
// action: TCOOFF, TCOON, TCIOFF or TCION.
MUST_USE error_t system_terminal_flow(int fd, int action);
// A new pseudo-terminal: both ends, as new descriptors.
MUST_USE error_t system_terminal_pair(int *master, int *terminal);
MUST_USE error_t system_terminal_layout_get(int fd, void *layout, size_t size, size_t *count);
MUST_USE error_t system_terminal_layout_set(int fd, const void *layout, size_t size);
// Lines of pixels of the screen, from `line` on, three bytes each.
MUST_USE error_t system_terminal_picture(int fd, uint64_t line, void *pixels, size_t size, uint64_t *width, uint64_t *height,
                                         size_t *count);
MUST_USE error_t system_terminal_cells(int fd, struct screen_cells *row);
MUST_USE error_t system_terminal_size_get(int fd, struct winsize *size);
MUST_USE error_t system_terminal_size_set(int fd, const struct winsize *size);
MUST_USE error_t system_terminal_group_get(int fd, pid_t *group);
MUST_USE error_t system_terminal_group_set(int fd, pid_t group);
// Makes it the caller's session's controlling terminal.
MUST_USE error_t system_terminal_take(int fd);
MUST_USE error_t system_terminal_session(int fd, pid_t *session);
// FIONREAD, of terminals and pipes.
MUST_USE error_t system_bytes_ready(int fd, size_t *count);
// Bytes of the block device that fd is open on.
MUST_USE error_t system_device_size(int fd, uint64_t *bytes);

// --- Sockets: struct sockaddr_in, sockaddr_in6, sockaddr_ll; *length is room, then size ---

// `type` with SOCK_NONBLOCK and SOCK_CLOEXEC.
MUST_USE error_t system_socket(int family, int type, int protocol, int *fd);
MUST_USE error_t system_socket_connect(int fd, const struct sockaddr *address, socklen_t length);
MUST_USE error_t system_socket_bind(int fd, const struct sockaddr *address, socklen_t length);
MUST_USE error_t system_socket_listen(int fd, int backlog);
MUST_USE error_t system_socket_accept(int fd, struct sockaddr *address, socklen_t *length, int flags, int *accepted);
MUST_USE error_t system_socket_shutdown(int fd, int how);
MUST_USE error_t system_socket_name(int fd, bool of_peer, struct sockaddr *address, socklen_t *length);
// address null: to the connected peer.
MUST_USE error_t system_socket_send(int fd, const void *buffer, size_t size, int flags, const struct sockaddr *address,
                                    socklen_t length, size_t *done);
// *whole: bytes that the datagram has.
MUST_USE error_t system_socket_receive(int fd, void *buffer, size_t size, int flags, struct sockaddr *address, socklen_t *length,
                                       size_t *done, size_t *whole);
// Datagrams in one request: as many of the first ones as go together. *tried: so many; *done: so many were sent, or received,
// with their lengths. ERR_NOT_SUPPORTED: the first is to go by itself. Receiving: *more: further ones lie there.
MUST_USE error_t system_socket_send_many(int fd, struct mmsghdr *messages, size_t count, int flags, size_t *tried, size_t *done);
MUST_USE error_t system_socket_receive_many(int fd, struct mmsghdr *messages, size_t count, int flags, size_t *done, bool *more);
// Bytes of the file at `offset` to a stream, for the card to read. ERR_NOT_SUPPORTED: they are to be written.
MUST_USE error_t system_socket_send_file(int fd, int file, off_t offset, size_t size, size_t *done);
// option: enum socket_option of socket.idl.
MUST_USE error_t system_socket_option_get(int fd, uint64_t option, uint64_t *value);
MUST_USE error_t system_socket_option_set(int fd, uint64_t option, uint64_t value);
MUST_USE error_t system_socket_group(int fd, const struct sockaddr *group, unsigned interface, bool join);
// Names of interfaces, both ways; index 0 asks for the name's index.
MUST_USE error_t system_interface(unsigned *index, char name[16]);
// The name servers that configuration or DHCP told, as addresses of 16 bytes, and the domain of this host.
MUST_USE error_t system_name_servers(uint8_t (*servers)[16], size_t room, size_t *count, char domain[64]);

// Whether an interface other than loopback has an address of the family, link-local ones of IPv6 not counted.
bool system_has_address(int family);
struct resolver_servers;
struct looked_up;
// Asks the resolver; type: enum resolver_type. ERR_DEADLINE: no server answers; ERR_NOT_PERMITTED: the process was given no
// resolver.
MUST_USE error_t system_look_up(const struct resolver_servers *servers, uint64_t type, const char *name,
                                struct looked_up *result);

// --- Processes ---

// What posix_spawn asks for. path is the program itself, found already; actions run in order; attributes may
// be null. ERR_NOT_EXECUTABLE if the file is no program; scripts are libc's business (process/spawn.c).
struct spawn_request {
    const char *path;
    char *const *argv;
    char *const *envp;
    const struct __spawn_action *actions;
    size_t action_count;
    const posix_spawnattr_t *attributes;
};

MUST_USE error_t system_spawn(const struct spawn_request *request, pid_t *pid);
// wait4(2). *changed is 0 if WNOHANG was given and no child has news. usage may be null.
MUST_USE error_t system_wait(pid_t pid, int options, int *status, struct rusage *usage, pid_t *changed);
MUST_USE error_t system_kill(pid_t pid, int signal);

struct process_identity {
    pid_t pid, parent, group, session;
    uid_t uid, effective_uid;
    gid_t gid, effective_gid;
};

// pid 0: the caller.
MUST_USE error_t system_identity(pid_t pid, struct process_identity *identity);
MUST_USE error_t system_group_set(pid_t pid, pid_t group);
MUST_USE error_t system_session_create(pid_t *session);
// who: RUSAGE_...
MUST_USE error_t system_usage(int who, struct rusage *usage);
void system_yield(void);

// sigaction(2), either pointer may be null.
MUST_USE error_t system_signal_action(int signal, const struct sigaction *action, struct sigaction *old);
MUST_USE error_t system_signal_mask(int how, const sigset_t *set, sigset_t *old);

// --- Clocks, random bytes, the machine ---

MUST_USE error_t system_clock_get(clockid_t clock, struct timespec *time);
MUST_USE error_t system_clock_set(clockid_t clock, const struct timespec *time);
MUST_USE error_t system_clock_resolution(clockid_t clock, struct timespec *resolution);
// flags: TIMER_ABSTIME or 0. On ERR_INTERRUPTED a relative sleep stores what is left, if remaining is not
// null.
MUST_USE error_t system_sleep(clockid_t clock, int flags, const struct timespec *time, struct timespec *remaining);
// Fills the buffer to its end.
MUST_USE error_t system_random(void *buffer, size_t size);
MUST_USE error_t system_name(struct utsname *name);
// Memory in pages of 4096 bytes, and processors in use.
struct machine_size {
    uint64_t pages, free_pages;
    uint32_t processors;
};
MUST_USE error_t system_machine_size(struct machine_size *size);
// how: RB_...
MUST_USE error_t system_reboot(unsigned how);
