// poll over sockets of loopback, where what a bit tells is believed without a call (libc/system/poll.c): a line for each case,
// "NAME good" or "NAME BAD". It must say what holds now, whoever read what was told of, and however.
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SHARING = 64 }; // so far above a descriptor is another that its bit serves

static char bytes[16];

static void tell(const char *what, bool good) {
    printf("%s %s\n", what, good ? "good" : "BAD");
    fflush(stdout);
}

// Sends to itself.
static int loop_open(void) {
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(name);
    int made = socket(AF_INET, SOCK_DGRAM, 0);
    if (made < 0 || bind(made, (struct sockaddr *)&name, length) != 0 ||
        getsockname(made, (struct sockaddr *)&name, &length) != 0 || connect(made, (struct sockaddr *)&name, length) != 0 ||
        fcntl(made, F_SETFL, O_NONBLOCK) != 0) {
        perror("socket");
        exit(1);
    }
    return made;
}

static short happened(int socket, short events, int milliseconds) {
    struct pollfd asked = {.fd = socket, .events = events};
    return poll(&asked, 1, milliseconds) < 0 ? POLLNVAL : asked.revents;
}

// Quiet first, so that what follows is told by its bit.
static void send_told(int socket) {
    while (recv(socket, bytes, sizeof(bytes), 0) >= 0)
        ;
    if (happened(socket, POLLIN, 0) == 0)
        (void)send(socket, "x", 1, 0);
}

static void try_order(int socket) {
    bool good = true;
    for (int i = 0; i < 100 && good; i++) {
        send_told(socket);
        good = happened(socket, POLLIN, 1000) == POLLIN && recv(socket, bytes, sizeof(bytes), 0) == 1 &&
               happened(socket, POLLIN, 0) == 0 && happened(socket, POLLIN, 1) == 0;
    }
    tell("one-by-one", good);
    send_told(socket);
    good = true;
    for (int i = 0; i < 3; i++)
        good = good && happened(socket, POLLIN, 1000) == POLLIN;
    tell("not-read", good);
    (void)send(socket, "y", 1, 0);
    good = happened(socket, POLLIN, 1000) == POLLIN && recv(socket, bytes, sizeof(bytes), 0) == 1 &&
           happened(socket, POLLIN, 1000) == POLLIN && recv(socket, bytes, sizeof(bytes), 0) == 1 &&
           happened(socket, POLLIN, 0) == 0;
    tell("two-at-once", good);
}

static void try_readers(int socket) {
    send_told(socket);
    bool good = happened(socket, POLLIN, 1000) == POLLIN && read(socket, bytes, sizeof(bytes)) == 1;
    (void)happened(socket, POLLIN, 0); // a wait by `read` is not told of: once it may be wrong, for who does not wait
    tell("read", good && happened(socket, POLLIN, 1) == 0);
    send_told(socket);
    tell("other-events",
         happened(socket, POLLIN | POLLOUT, 1000) == (POLLIN | POLLOUT) && happened(socket, POLLOUT, 0) == POLLOUT);
    int copy = dup(socket);
    send_told(socket);
    good = recv(copy, bytes, sizeof(bytes), 0) == 1 && fcntl(copy, F_SETFL, 0) == 0 && happened(socket, POLLIN, 0) == 0;
    tell("who-waits-is-told-the-truth", good);
    (void)fcntl(copy, F_SETFL, O_NONBLOCK);
    close(copy);
}

static void try_ends(void) {
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(name);
    int listener = socket(AF_INET, SOCK_STREAM, 0), one = socket(AF_INET, SOCK_STREAM, 0);
    bool good = bind(listener, (struct sockaddr *)&name, length) == 0 && listen(listener, 4) == 0 &&
                fcntl(listener, F_SETFL, O_NONBLOCK) == 0 && getsockname(listener, (struct sockaddr *)&name, &length) == 0 &&
                happened(listener, POLLIN, 0) == 0 && connect(one, (struct sockaddr *)&name, length) == 0 &&
                happened(listener, POLLIN, 1000) == POLLIN;
    int other = accept(listener, NULL, NULL);
    tell("accepts",
         good && other >= 0 && accept(listener, NULL, NULL) < 0 && errno == EAGAIN && happened(listener, POLLIN, 1) == 0);
    (void)fcntl(other, F_SETFL, O_NONBLOCK);
    good = happened(other, POLLIN, 0) == 0;
    close(one);
    good = good && (happened(other, POLLIN, 1000) & POLLIN) != 0 && recv(other, bytes, sizeof(bytes), 0) == 0;
    tell("peer-ends", good && (happened(other, POLLIN, 0) & POLLIN) != 0);
    close(other);
    int again = loop_open();
    tell("another-in-its-place", again == one && happened(again, POLLIN, 1) == 0);
    close(again);
    close(listener);
}

static void try_shared(int socket) {
    int high = loop_open();
    if (dup2(high, socket + SHARING) < 0)
        perror("dup2");
    close(high);
    high = socket + SHARING;
    (void)fcntl(high, F_SETFL, O_NONBLOCK);
    send_told(socket);
    send_told(high);
    (void)recv(socket, bytes, sizeof(bytes), 0);
    tell("one-bit-for-two", happened(socket, POLLIN, 1) == 0 && happened(high, POLLIN, 1000) == POLLIN);
    close(high);
}

int main(void) {
    int socket = loop_open();
    try_order(socket);
    try_readers(socket);
    try_ends();
    try_shared(socket);
    close(socket);
    return 0;
}
