// The guest's end of the tests of sendfile: `sends PORT FILE` does for each connection what its first byte says. "s" sends the
// file, "c" the same by read and send, "p" the same by its own position, "x" sends a part of it and ends at once, "t" changes and
// cuts a copy of it while it is under way, "h" tries what nobody should try, and tells, "n" tells the counters of net, "a" what
// the accounts are charged, "k" and "r" make /tmp/kill and /tmp/reload, "q" ends.
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kernel/abi/capability.h"
#include "libc/system/layer.h"
#include "libipc/client/slot.h"
#include "libipc/protocols/account.h"
#include "libipc/protocols/memory.h"
#include "libipc/protocols/socket.h"

enum { BLOCK = 65536, PAGE = 4096, LEAST = 16384, MOST = 1 << 20 };

static char block[BLOCK];
static const char *path;

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static void send_all(int socket, const char *bytes, size_t size) {
    while (size > 0) {
        ssize_t sent = send(socket, bytes, size, MSG_NOSIGNAL);
        if (sent <= 0)
            return;
        bytes += sent;
        size -= (size_t)sent;
    }
}

static void say(int socket, const char *what, long long value) {
    char line[80];
    int length = snprintf(line, sizeof(line), "%s %lld\n", what, value);
    send_all(socket, line, (size_t)length);
}

static void copy(int socket, int file) {
    ssize_t got;
    while ((got = read(file, block, sizeof(block))) > 0)
        send_all(socket, block, (size_t)got);
}

// By `offset`, or the file's own position. The peer may go away at any time.
static void send_file(int socket, int file, off_t *offset) {
    while (sendfile(socket, file, offset, SIZE_MAX / 2) > 0)
        ;
}

static int copy_of_file(void) {
    int from = open(path, O_RDONLY), to = open("/root/copy", O_RDWR | O_CREAT | O_TRUNC, 0600);
    ssize_t got;
    if (from < 0 || to < 0)
        fail("copy");
    while ((got = read(from, block, sizeof(block))) > 0)
        if (write(to, block, (size_t)got) != got)
            fail("write");
    close(from);
    return to;
}

// Its pages are under way and not acknowledged when the file is written, cut and removed, and others want memory.
static void send_changed(int socket) {
    int file = copy_of_file();
    off_t at = 0;
    ssize_t sent = sendfile(socket, file, &at, MOST);
    memset(block, 'x', sizeof(block));
    if (pwrite(file, block, sizeof(block), 0) != sizeof(block) || ftruncate(file, 0) != 0 || unlink("/root/copy") != 0)
        fail("change");
    close(file);
    close(copy_of_file());
    (void)unlink("/root/copy");
    if (sent < 0)
        fail("sendfile");
}

static int socket_open(int type) {
    return socket(AF_INET, type, 0);
}

static cap_t session_of(int fd) {
    struct descriptor *descriptor;
    if (descriptor_get(fd, &descriptor) != ERR_OK)
        fail("descriptor");
    return descriptor->file;
}

static cap_t memory_of(uint64_t bytes, uint64_t rights) {
    cap_t memory, result = 0;
    if (account_create_memory(SLOT_ACCOUNT, bytes, &memory) != ERR_OK || slot_duplicate(memory, rights, &result) != ERR_OK)
        fail("memory");
    slot_release(memory);
    return result;
}

static long long try(cap_t session, uint64_t offset, uint64_t length, uint64_t flags, cap_t memory) {
    uint64_t count = 0;
    error_t error = socket_send_file(session, offset, length, flags, memory, &count);
    return error != ERR_OK ? error : (long long)count;
}

enum { GOOD = RIGHT_READ | RIGHT_WRITE | RIGHT_DMA | RIGHT_COPY | RIGHT_INSPECT };

static void try_ranges(int socket, cap_t session) {
    cap_t memory = memory_of(16 * PAGE, GOOD), large = memory_of(MOST + PAGE, GOOD);
    say(socket, "behind-the-end", try(session, 16 * PAGE, LEAST, 0, memory) == ERR_INVALID);
    say(socket, "over-the-end", try(session, 15 * PAGE, LEAST, 0, memory) == ERR_INVALID);
    say(socket, "overflow", try(session, PAGE, UINT64_MAX, 0, memory) == ERR_INVALID);
    say(socket, "overflow-offset", try(session, UINT64_MAX - 10, LEAST, 0, memory) == ERR_INVALID);
    say(socket, "flags", try(session, 0, LEAST, 1, memory) == ERR_INVALID);
    say(socket, "too-little", try(session, 0, LEAST - 1, 0, memory) == ERR_NOT_SUPPORTED);
    say(socket, "too-large", try(session, 0, LEAST, 0, large) == ERR_NOT_SUPPORTED);
    slot_release(memory);
    slot_release(large);
}

static void try_objects(int socket, cap_t session) {
    cap_t weak = memory_of(16 * PAGE, GOOD & ~RIGHT_DMA), unread = memory_of(16 * PAGE, GOOD & ~RIGHT_READ), paged;
    say(socket, "no-dma", try(session, 0, LEAST, 0, weak) == ERR_RIGHTS);
    say(socket, "no-read", try(session, 0, LEAST, 0, unread) == ERR_RIGHTS);
    if (account_create_paged(SLOT_ACCOUNT, 16 * PAGE, session, &paged) != ERR_OK)
        fail("paged");
    say(socket, "no-pages", try(session, 0, LEAST, 0, paged) == ERR_INVALID);
    say(socket, "no-memory", try(session, 0, LEAST, 0, session) < 0);
    slot_release(weak);
    slot_release(unread);
    slot_release(paged);
}

static void try_sockets(int socket) {
    cap_t memory = memory_of(16 * PAGE, GOOD);
    int datagrams = socket_open(SOCK_DGRAM), stream = socket_open(SOCK_STREAM);
    say(socket, "datagrams", try(session_of(datagrams), 0, LEAST, 0, memory) == ERR_NOT_SUPPORTED);
    say(socket, "unconnected", try(session_of(stream), 0, LEAST, 0, memory) == -ENOTCONN);
    slot_release(memory);
    close(datagrams);
    close(stream);
}

// What was handed over is taken back and written to at once. The peer gets 64 KiB of something.
static void try_taking_back(int socket, cap_t session) {
    cap_t memory = memory_of(16 * PAGE, GOOD);
    uint64_t moved;
    memset(block, 'A', sizeof(block));
    if (memory_write(memory, 0, block, sizeof(block), &moved) != ERR_OK)
        fail("fill");
    long long sent = try(session, 0, sizeof(block), 0, memory);
    error_t error = memory_discard(memory, 0, sizeof(block));
    if (error == ERR_OK)
        error = memory_zero(memory, 100, sizeof(block) - 200);
    slot_release(memory);
    say(socket, "taken-back", sent == sizeof(block) && error == ERR_OK);
}

static void try_all(int socket) {
    cap_t session = session_of(socket);
    try_ranges(socket, session);
    try_objects(socket, session);
    try_sockets(socket);
    try_taking_back(socket, session);
}

static void tell(int socket, const char *command) {
    int status = system(command), file = open("/tmp/told", O_RDONLY);
    if (status != 0 || file < 0)
        fail(command);
    copy(socket, file);
    close(file);
}

// The process is gone before the peer has a tenth of it. It is started again by who started it.
static void send_and_end(int socket, int file) {
    off_t at = 0;
    (void)sendfile(socket, file, &at, MOST);
    _exit(0);
}

// False: it is the end.
static bool serve(int socket) {
    char what = 0;
    off_t at = 0;
    int file = open(path, O_RDONLY);
    if (file < 0)
        fail(path);
    if (recv(socket, &what, 1, 0) != 1)
        what = 0;
    if (what == 's')
        send_file(socket, file, &at);
    else if (what == 'c')
        copy(socket, file);
    else if (what == 'p')
        send_file(socket, file, NULL);
    else if (what == 'x')
        send_and_end(socket, file);
    else if (what == 't')
        send_changed(socket);
    else if (what == 'h')
        try_all(socket);
    else if (what == 'n')
        tell(socket, "netstat -s > /tmp/told");
    else if (what == 'a')
        tell(socket, "cat /proc/accounts > /tmp/told");
    else if (what == 'k')
        tell(socket, "echo yes > /tmp/told; echo yes > /tmp/kill");
    else if (what == 'r')
        tell(socket, "echo yes > /tmp/told; echo yes > /tmp/reload");
    close(file);
    close(socket);
    return what != 'q';
}

int main(int argc, char **argv) {
    int on = 1, listener = socket_open(SOCK_STREAM);
    struct sockaddr_in own = {.sin_family = AF_INET};
    if (argc != 3)
        return 2;
    own.sin_port = htons((unsigned short)atoi(argv[1]));
    path = argv[2];
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (listener < 0 || bind(listener, (struct sockaddr *)&own, sizeof(own)) != 0 || listen(listener, 8) != 0)
        fail("listen");
    printf("ready\n");
    fflush(stdout);
    for (;;) {
        int socket = accept(listener, NULL, NULL);
        if (socket >= 0 && !serve(socket))
            return 0;
    }
}
