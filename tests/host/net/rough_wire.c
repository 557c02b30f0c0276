// Two ends joined by a rough line: `rough_wire END END LINE`. An end is `tap:NAME`, a tap device of this host, or the path of a
// socket that a QEMU connects to (-netdev stream), which sends each frame behind its length. What goes to the second end is
// inward. Ends when a QEMU or standard input does.
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/host/net/rough_line.h"

enum { HEAD = 4, FRAMES_AT_ONCE = 64 };

static struct end {
    int file;
    bool is_tap;
    uint8_t buffer[65536]; // of a socket: what is not whole yet
    size_t filled;
} ends[2];

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static void write_all(int file, const uint8_t *bytes, size_t length) {
    while (length > 0) {
        ssize_t done = write(file, bytes, length);
        if (done <= 0)
            exit(0);
        bytes += done;
        length -= (size_t)done;
    }
}

static void deliver(bool inward, const uint8_t *bytes, uint32_t length) {
    const struct end *to = &ends[inward];
    uint8_t head[HEAD] = {0, 0, (uint8_t)(length >> 8), (uint8_t)length};
    if (!to->is_tap) {
        write_all(to->file, head, sizeof(head));
        write_all(to->file, bytes, length);
    } else if (write(to->file, bytes, length) < 0 && errno != EIO && errno != EAGAIN && errno != EINVAL) {
        fail("tap");
    }
}

static int open_tap(const char *name) {
    struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};
    snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
    int tap = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
    // What a card before has promised to do, sums and large frames, nobody does here, and the device keeps it.
    if (tap < 0 || ioctl(tap, TUNSETIFF, &request) < 0 || ioctl(tap, TUNSETOFFLOAD, 0) < 0)
        fail(name);
    return tap;
}

static int listen_at(const char *path) {
    struct sockaddr_un own = {.sun_family = AF_UNIX};
    snprintf(own.sun_path, sizeof(own.sun_path), "%s", path);
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&own, sizeof(own)) < 0 || listen(listener, 1) < 0)
        fail(path);
    return listener;
}

static void open_ends(char **names) {
    for (int i = 0; i < 2; i++) {
        ends[i].is_tap = strncmp(names[i], "tap:", 4) == 0;
        ends[i].file = ends[i].is_tap ? open_tap(names[i] + 4) : listen_at(names[i]);
    }
    printf("ready\n");
    fflush(stdout);
    for (int i = 0; i < 2; i++)
        if (!ends[i].is_tap && (ends[i].file = accept(ends[i].file, NULL, NULL)) < 0)
            fail("accept");
}

static void take_tap(const struct end *from, bool inward, uint64_t now) {
    uint8_t frame[ROUGH_FRAME_MAX];
    ssize_t length;
    for (int i = 0; i < FRAMES_AT_ONCE && (length = read(from->file, frame, sizeof(frame))) > 0; i++)
        rough_line_pass(inward, frame, (uint32_t)length, now);
}

// Whole frames leave the buffer.
static void take_socket(struct end *from, bool inward, uint64_t now) {
    ssize_t got = recv(from->file, from->buffer + from->filled, sizeof(from->buffer) - from->filled, MSG_DONTWAIT);
    if (got <= 0)
        exit(0);
    from->filled += (size_t)got;
    size_t at = 0;
    while (from->filled - at >= HEAD) {
        size_t length = (size_t)from->buffer[at + 2] << 8 | from->buffer[at + 3];
        if (from->filled - at < HEAD + length)
            break;
        rough_line_pass(inward, from->buffer + at + HEAD, (uint32_t)length, now);
        at += HEAD + length;
    }
    memmove(from->buffer, from->buffer + at, from->filled - at);
    from->filled -= at;
}

static void take(struct end *from, bool inward, uint64_t now) {
    if (from->is_tap)
        take_tap(from, inward, now);
    else
        take_socket(from, inward, now);
}

int main(int argc, char **argv) {
    uint8_t byte;
    if (argc != 4 || !rough_line_set(argv[3], deliver))
        return 2;
    open_ends(argv + 1);
    for (;;) {
        uint64_t now = rough_line_clock(), next = rough_line_run(now);
        int wait = next == 0 ? 1000 : (int)((next - now) / 1000000) + 1;
        struct pollfd polls[3] = {{.fd = ends[0].file, .events = POLLIN},
                                  {.fd = ends[1].file, .events = POLLIN},
                                  {.fd = STDIN_FILENO, .events = POLLIN}};
        poll(polls, 3, wait);
        now = rough_line_clock();
        for (int i = 0; i < 2; i++)
            if (polls[i].revents != 0)
                take(&ends[i], i == 0, now);
        if (polls[2].revents != 0 && read(STDIN_FILENO, &byte, 1) <= 0)
            return 0;
    }
}
