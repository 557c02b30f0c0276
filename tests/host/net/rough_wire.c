// A tap device of this host joined to a guest's card by a rough line: `rough_wire TAP SOCKET LINE`. QEMU connects to SOCKET
// (-netdev stream) and sends each frame behind its length. Ends when QEMU or standard input does.
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

static int tap, guest;

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static void write_all(const uint8_t *bytes, size_t length) {
    while (length > 0) {
        ssize_t done = write(guest, bytes, length);
        if (done <= 0)
            exit(0);
        bytes += done;
        length -= (size_t)done;
    }
}

static void deliver(bool inward, const uint8_t *bytes, uint32_t length) {
    uint8_t head[4] = {0, 0, (uint8_t)(length >> 8), (uint8_t)length};
    if (inward) {
        write_all(head, sizeof(head));
        write_all(bytes, length);
    } else if (write(tap, bytes, length) < 0 && errno != EIO && errno != EAGAIN && errno != EINVAL) {
        fail("tap");
    }
}

static void open_ends(const char *name, const char *path) {
    struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};
    struct sockaddr_un own = {.sun_family = AF_UNIX};
    snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
    snprintf(own.sun_path, sizeof(own.sun_path), "%s", path);
    tap = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
    if (tap < 0 || ioctl(tap, TUNSETIFF, &request) < 0)
        fail(name);
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&own, sizeof(own)) < 0 || listen(listener, 1) < 0)
        fail(path);
    printf("ready\n");
    fflush(stdout);
    guest = accept(listener, NULL, NULL);
    if (guest < 0)
        fail("accept");
}

// What the guest sent: whole frames leave the buffer.
static void take_guest(uint64_t now) {
    static uint8_t buffer[65536];
    static size_t filled;
    ssize_t got = recv(guest, buffer + filled, sizeof(buffer) - filled, MSG_DONTWAIT);
    if (got <= 0)
        exit(0);
    filled += (size_t)got;
    size_t at = 0;
    while (filled - at >= 4) {
        size_t length = (size_t)buffer[at + 2] << 8 | buffer[at + 3];
        if (filled - at < 4 + length)
            break;
        rough_line_pass(false, buffer + at + 4, (uint32_t)length, now);
        at += 4 + length;
    }
    memmove(buffer, buffer + at, filled - at);
    filled -= at;
}

int main(int argc, char **argv) {
    uint8_t frame[ROUGH_FRAME_MAX];
    if (argc != 4 || !rough_line_set(argv[3], deliver))
        return 2;
    open_ends(argv[1], argv[2]);
    for (;;) {
        uint64_t now = rough_line_clock(), next = rough_line_run(now);
        int wait = next == 0 ? 1000 : (int)((next - now) / 1000000) + 1;
        struct pollfd polls[3] = {
            {.fd = tap, .events = POLLIN}, {.fd = guest, .events = POLLIN}, {.fd = STDIN_FILENO, .events = POLLIN}};
        poll(polls, 3, wait);
        now = rough_line_clock();
        ssize_t length;
        for (int i = 0; i < 64 && (length = read(tap, frame, sizeof(frame))) > 0; i++)
            rough_line_pass(true, frame, (uint32_t)length, now);
        if (polls[1].revents != 0)
            take_guest(now);
        if (polls[2].revents != 0 && read(STDIN_FILENO, frame, 1) <= 0)
            return 0;
    }
}
