// Datagrams by sendmmsg and recvmmsg. `batches ADDRESS PORT` tries them over loopback and with the host, which sends back what it
// gets, and prints a line for each case, "NAME good" or "NAME BAD". `batches -k ADDRESS PORT SECONDS` sends numbered ones, to
// itself and to the host, while `net` is ended by somebody else, and says how many came; one that came twice, or changed, ends it
// with a failure.
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "libc/system/layer.h"
#include "libipc/protocols/socket.h"
#include "libipc/transfer/datagrams.h"

enum { BATCH = 32, ROOM = 2048, LARGE = 60000, NUMBERS = 1 << 24 };

static struct mmsghdr messages[2 * DATAGRAMS_MOST];
static struct iovec parts[2 * DATAGRAMS_MOST];
static struct sockaddr_in names[2 * DATAGRAMS_MOST];
static unsigned char bytes[2 * DATAGRAMS_MOST][ROOM];

static _Noreturn void fail(const char *what) {
    perror(what);
    exit(1);
}

static void tell(const char *what, bool good) {
    printf("%s %s\n", what, good ? "good" : "BAD");
    fflush(stdout);
}

static struct sockaddr_in name_of(const char *address, int port) {
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    if (inet_pton(AF_INET, address, &name.sin_addr) != 1)
        fail(address);
    return name;
}

// A socket at loopback, with itself as its peer.
static int loop_open(int type) {
    struct sockaddr_in name = name_of("127.0.0.1", 0);
    socklen_t length = sizeof(name);
    int made = socket(AF_INET, type, 0);
    if (made < 0 || bind(made, (struct sockaddr *)&name, length) != 0 ||
        getsockname(made, (struct sockaddr *)&name, &length) != 0 ||
        (type == SOCK_DGRAM && connect(made, (struct sockaddr *)&name, length) != 0))
        fail("socket");
    return made;
}

// The first `count` messages: as many bytes each as `room` says, no names.
static void prepare(unsigned count, size_t room) {
    for (unsigned i = 0; i < count; i++) {
        parts[i] = (struct iovec){bytes[i], room};
        messages[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &parts[i], .msg_iovlen = 1}};
    }
}

static void fill(unsigned count, int seed) {
    for (unsigned i = 0; i < count; i++)
        memset(bytes[i], seed + (int)i, sizeof(bytes[i]));
}

static bool is_filled(const unsigned char *at, size_t size, int value) {
    for (size_t i = 0; i < size; i++)
        if (at[i] != (unsigned char)value)
            return false;
    return true;
}

static const size_t sizes[] = {0, 1, 7, 8, 9, 1400, 0, 1472, 100, 64};
enum { SIZES = sizeof(sizes) / sizeof(sizes[0]) };

static void send_mixed(int socket, int seed) {
    fill(SIZES, seed);
    prepare(SIZES, 0);
    for (unsigned i = 0; i < SIZES; i++)
        parts[i].iov_len = sizes[i];
    bool good = sendmmsg(socket, messages, SIZES, 0) == SIZES;
    for (unsigned i = 0; i < SIZES; i++)
        good = good && messages[i].msg_len == sizes[i];
    if (!good)
        fail("sendmmsg");
}

// Sizes, bytes, order, where they came from.
static void try_mixed(int socket, const char *what) {
    struct sockaddr_in peer;
    socklen_t length = sizeof(peer);
    bool good = getpeername(socket, (struct sockaddr *)&peer, &length) == 0;
    send_mixed(socket, 3);
    memset(bytes, 0, sizeof(bytes));
    prepare(SIZES, ROOM);
    for (unsigned i = 0; i < SIZES; i++) {
        messages[i].msg_hdr.msg_name = &names[i];
        messages[i].msg_hdr.msg_namelen = sizeof(names[i]);
    }
    good = good && recvmmsg(socket, messages, SIZES, 0, NULL) == SIZES; // waits for all
    for (unsigned i = 0; i < SIZES && good; i++)
        good = messages[i].msg_len == sizes[i] && is_filled(bytes[i], sizes[i], 3 + (int)i) && bytes[i][sizes[i]] == 0 &&
               messages[i].msg_hdr.msg_flags == 0 && messages[i].msg_hdr.msg_namelen == sizeof(peer) &&
               names[i].sin_port == peer.sin_port && names[i].sin_addr.s_addr == peer.sin_addr.s_addr;
    tell(what, good);
}

static void try_flags(int socket) {
    send_mixed(socket, 1);
    prepare(BATCH, ROOM);
    tell("wait-for-one", recvmmsg(socket, messages, BATCH, MSG_WAITFORONE, NULL) == SIZES);
    errno = 0;
    tell("do-not-wait", recvmmsg(socket, messages, BATCH, MSG_DONTWAIT, NULL) == -1 && errno == EAGAIN);
    send_mixed(socket, 1);
    tell("some",
         recvmmsg(socket, messages, 3, 0, NULL) == 3 && recvmmsg(socket, messages, BATCH, MSG_DONTWAIT, NULL) == SIZES - 3);
    (void)fcntl(socket, F_SETFL, O_NONBLOCK);
    send_mixed(socket, 1);
    int got = recvmmsg(socket, messages, BATCH, 0, NULL);
    tell("non-blocking", got == SIZES && recvmmsg(socket, messages, BATCH, 0, NULL) == -1);
    (void)fcntl(socket, F_SETFL, 0);
    send_mixed(socket, 5);
    bool peeked = recvmmsg(socket, messages, 2, MSG_PEEK | MSG_DONTWAIT, NULL) == 2 && messages[1].msg_len == 0;
    tell("peek", peeked && recvmmsg(socket, messages, BATCH, MSG_DONTWAIT, NULL) == SIZES);
    tell("none", recvmmsg(socket, messages, 0, 0, NULL) == 0 && sendmmsg(socket, messages, 0, 0) == 0);
}

static void try_timeout(int socket) {
    struct timespec time = {.tv_nsec = 50000000}, wrong = {.tv_nsec = 1000000000};
    prepare(BATCH, ROOM);
    errno = 0;
    tell("timeout",
         recvmmsg(socket, messages, BATCH, 0, &time) == -1 && errno == EAGAIN && time.tv_sec == 0 && time.tv_nsec == 0);
    send_mixed(socket, 1);
    prepare(BATCH, ROOM);
    time.tv_nsec = 50000000;
    tell("timeout-with-some", recvmmsg(socket, messages, BATCH, 0, &time) == SIZES && time.tv_nsec == 0);
    send_mixed(socket, 1);
    prepare(BATCH, ROOM);
    time.tv_sec = 100;
    tell("timeout-left", recvmmsg(socket, messages, SIZES, 0, &time) == SIZES && time.tv_sec > 50 && time.tv_sec < 100);
    tell("timeout-wrong", recvmmsg(socket, messages, SIZES, 0, &wrong) == -1 && errno == EINVAL);
}

// What is longer than its room: in one part, in several, with the whole length asked for.
static void try_cut(int socket) {
    send_mixed(socket, 9); // the sixth and eighth are long
    prepare(SIZES, 100);
    struct iovec three[] = {{bytes[SIZES], 3}, {bytes[SIZES + 1], 0}, {bytes[SIZES + 2], 200}};
    messages[7].msg_hdr.msg_iov = three;
    messages[7].msg_hdr.msg_iovlen = 3;
    memset(bytes, 0, sizeof(bytes));
    bool good = recvmmsg(socket, messages, SIZES, 0, NULL) == SIZES;
    good = good && messages[5].msg_len == 100 && messages[5].msg_hdr.msg_flags == MSG_TRUNC && is_filled(bytes[5], 100, 14) &&
           is_filled(bytes[5] + 100, 100, 0);
    good = good && messages[7].msg_len == 203 && messages[7].msg_hdr.msg_flags == MSG_TRUNC && is_filled(bytes[SIZES], 3, 16) &&
           is_filled(bytes[SIZES + 2], 200, 16) && is_filled(bytes[SIZES + 2] + 200, 100, 0) && bytes[SIZES][3] == 0;
    tell("cut", good && messages[8].msg_len == 100 && messages[8].msg_hdr.msg_flags == 0);
    send_mixed(socket, 9);
    prepare(SIZES, 100);
    tell("whole-length", recvmmsg(socket, messages, SIZES, MSG_TRUNC, NULL) == SIZES && messages[5].msg_len == 1400 &&
                             messages[5].msg_hdr.msg_flags == MSG_TRUNC && messages[4].msg_len == 9);
}

// More than one request holds, by number and by bytes.
static void try_many(int socket) {
    const unsigned count = 100;
    fill(count, 0);
    prepare(count, 10);
    tell("many-sent", sendmmsg(socket, messages, count, 0) == (int)count);
    prepare(count, ROOM);
    bool good = recvmmsg(socket, messages, count, 0, NULL) == (int)count;
    for (unsigned i = 0; i < count; i++)
        good = good && messages[i].msg_len == 10 && is_filled(bytes[i], 10, (int)i);
    tell("many-received", good);
    static unsigned char large[4][LARGE];
    prepare(4, 0);
    for (int i = 0; i < 4; i++) {
        memset(large[i], 60 + i, LARGE);
        parts[i] = (struct iovec){large[i], i == 2 ? 5 : LARGE};
    }
    good = sendmmsg(socket, messages, 4, 0) == 4;
    memset(large, 0, sizeof(large));
    for (int i = 0; i < 4; i++)
        parts[i].iov_len = LARGE;
    good = good && recvmmsg(socket, messages, 4, MSG_WAITFORONE, NULL) == 4;
    for (int i = 0; i < 4; i++)
        good = good && messages[i].msg_len == (i == 2 ? 5 : LARGE) && is_filled(large[i], messages[i].msg_len, 60 + i);
    tell("large", good);
}

// A message in the midst that can't be sent ends the batch; as the first one it is an error.
static void try_bad(int loop) {
    static char too_long[65508];
    struct sockaddr_in name, wrong;
    socklen_t length = sizeof(name);
    (void)getsockname(loop, (struct sockaddr *)&name, &length);
    for (int kind = 0; kind < 3; kind++) {
        static const char *const what[] = {"bad-port", "bad-family", "bad-length"};
        static const int errors[] = {EINVAL, EAFNOSUPPORT, EMSGSIZE};
        wrong = name;
        fill(5, 7);
        prepare(5, 50);
        for (int i = 0; i < 5; i++) {
            messages[i].msg_hdr.msg_name = i == 2 ? &wrong : &name;
            messages[i].msg_hdr.msg_namelen = sizeof(name);
        }
        if (kind == 0)
            wrong.sin_port = 0;
        else if (kind == 1)
            wrong.sin_family = AF_UNIX;
        else
            parts[2] = (struct iovec){too_long, sizeof(too_long)};
        bool good = sendmmsg(loop, messages, 5, 0) == 2;
        errno = 0;
        good = good && sendmmsg(loop, messages + 2, 3, 0) == -1 && errno == errors[kind];
        good = good && sendmmsg(loop, messages + 3, 2, 0) == 2;
        prepare(BATCH, ROOM);
        tell(what[kind], good && recvmmsg(loop, messages, BATCH, MSG_WAITFORONE, NULL) == 4);
    }
    prepare(3, 50);
    char control[32];
    messages[1].msg_hdr.msg_control = control;
    messages[1].msg_hdr.msg_controllen = sizeof(control);
    bool good = sendmmsg(loop, messages, 3, 0) == 3;
    prepare(3, 50);
    tell("control", good && recvmmsg(loop, messages, 3, 0, NULL) == 3);
}

static void try_others(void) {
    struct sockaddr_in name;
    socklen_t length = sizeof(name);
    int listener = loop_open(SOCK_STREAM), client = socket(AF_INET, SOCK_STREAM, 0), file = open("/etc/motd", O_RDONLY);
    if (listen(listener, 1) != 0 || getsockname(listener, (struct sockaddr *)&name, &length) != 0 ||
        connect(client, (struct sockaddr *)&name, length) != 0)
        fail("stream");
    int server = accept(listener, NULL, NULL);
    fill(3, 'a');
    prepare(3, 1000);
    bool good = sendmmsg(client, messages, 3, 0) == 3;
    close(client);
    prepare(3, 1000);
    memset(bytes, 0, sizeof(bytes));
    good = good && recvmmsg(server, messages, 3, MSG_WAITALL, NULL) == 3 && messages[2].msg_len == 1000 && bytes[2][999] == 'c';
    tell("stream", good && recvmmsg(server, messages, 1, 0, NULL) == 1 && messages[0].msg_len == 0);
    tell("no-socket", sendmmsg(file, messages, 2, 0) == -1 && errno == ENOTSOCK && recvmmsg(file, messages, 2, 0, NULL) == -1 &&
                          errno == ENOTSOCK);
    tell("no-descriptor", sendmmsg(-1, messages, 2, 0) == -1 && errno == EBADF && recvmmsg(99, messages, 2, 0, NULL) == -1);
    close(server);
    close(listener);
    close(file);
}

// Errors of a peer that is not there are told once, and only to who got nothing.
static void try_error(void) {
    struct sockaddr_in name;
    socklen_t length = sizeof(name);
    int gone = loop_open(SOCK_DGRAM), socket = loop_open(SOCK_DGRAM);
    (void)getsockname(gone, (struct sockaddr *)&name, &length);
    close(gone);
    if (connect(socket, (struct sockaddr *)&name, length) != 0)
        fail("connect");
    prepare(4, 10);
    bool good = sendmmsg(socket, messages, 4, 0) == 4; // their errors come behind the request
    errno = 0;
    good = good && recvmmsg(socket, messages, 4, 0, NULL) == -1 && errno == ECONNREFUSED;
    tell("refused", good);
    tell("shut", shutdown(socket, SHUT_RDWR) == 0 && recvmmsg(socket, messages, 4, MSG_WAITFORONE, NULL) >= 1 &&
                     messages[0].msg_len == 0 && sendmmsg(socket, messages, 2, MSG_NOSIGNAL) == -1 && errno == EPIPE);
    close(socket);
}

// --- what no libc would ask

static cap_t session_of(int fd) {
    struct descriptor *descriptor;
    if (descriptor_get(fd, &descriptor) != ERR_OK)
        fail("descriptor");
    return descriptor->file;
}

static error_t try_send(cap_t session, uint64_t count, uint64_t size) {
    uint64_t done;
    return socket_send_many(session, count, 0, bytes, size, &done);
}

static error_t try_receive(cap_t session, uint64_t places, uint64_t room, uint64_t size) {
    uint64_t count, more, ready;
    return socket_receive_many(session, places, room, SOCKET_MESSAGE_FLAG_DO_NOT_WAIT, bytes, size, &count, &more, &ready);
}

static void try_hostile(int socket) {
    cap_t session = session_of(socket);
    struct socket_datagram *table = (void *)bytes;
    memset(bytes, 0, sizeof(bytes));
    tell("hostile-counts",
         try_send(session, 0, 4096) == ERR_INVALID && try_send(session, DATAGRAMS_MOST + 1, 4096) == ERR_INVALID &&
             try_send(session, UINT64_MAX, 4096) == ERR_INVALID && try_send(session, UINT64_C(1) << 59, 4096) == ERR_INVALID &&
             try_send(session, 2, 63) == ERR_INVALID && try_send(session, 1, 0) == ERR_INVALID);
    table[1].length = 1;
    bool good = try_send(session, 2, 64) == ERR_INVALID;
    table[1].length = UINT32_MAX;
    good = good && try_send(session, 2, 65536) == ERR_INVALID;
    table[0].length = 65536 - 64 - 8;
    table[1].length = 9;
    tell("hostile-lengths", good && try_send(session, 2, 65536) == ERR_INVALID);
    tell("hostile-places", try_receive(session, 0, 0, 4096) == ERR_INVALID && try_receive(session, 65, 1, 8192) == ERR_INVALID &&
                               try_receive(session, UINT64_MAX, 1, 8192) == ERR_INVALID &&
                               try_receive(session, UINT64_C(1) << 59, 1, 8192) == ERR_INVALID);
    tell("hostile-rooms", try_receive(session, 1, 65537, 131072) == ERR_INVALID &&
                              try_receive(session, 1, 65, 96) == ERR_INVALID &&
                              try_receive(session, 1, UINT64_MAX - 8, 96) == ERR_INVALID &&
                              try_receive(session, 2, 0, 63) == ERR_INVALID && try_receive(session, 1, 64, 96) == ERR_AGAIN);
    prepare(2, 10);
    tell("nothing-came", recvmmsg(socket, messages, 2, MSG_DONTWAIT, NULL) == -1 && errno == EAGAIN);
}

// --- while net ends

struct numbered {
    uint32_t number, check;
};

static uint8_t seen[2][NUMBERS / 8];
static uint32_t sent[2], came[2];

static void send_numbered(int socket, int way) {
    prepare(BATCH, 0);
    for (unsigned i = 0; i < BATCH; i++) {
        struct numbered one = {(sent[way] + i) % NUMBERS, ~((sent[way] + i) % NUMBERS)};
        memcpy(bytes[i], &one, sizeof(one));
        parts[i].iov_len = sizeof(one) + (one.number * 37) % 1000;
    }
    int done = sendmmsg(socket, messages, BATCH, 0);
    sent[way] += done > 0 ? (uint32_t)done : 0;
}

static void receive_numbered(int socket, int way, int flags) {
    prepare(BATCH, ROOM);
    int got = recvmmsg(socket, messages, BATCH, flags, NULL);
    for (int i = 0; i < got; i++) {
        struct numbered one;
        memcpy(&one, bytes[i], sizeof(one));
        if (messages[i].msg_len != sizeof(one) + (one.number * 37) % 1000 || one.check != ~one.number || one.number >= NUMBERS) {
            printf("BAD: changed\n");
            exit(1);
        }
        if ((seen[way][one.number / 8] & 1 << one.number % 8) != 0) {
            printf("BAD: %u came twice\n", (unsigned)one.number);
            exit(1);
        }
        seen[way][one.number / 8] |= (uint8_t)(1 << one.number % 8);
        came[way]++;
    }
}

static void run_numbered(int host, long seconds) {
    int loop = loop_open(SOCK_DGRAM);
    struct timespec now, end;
    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += seconds;
    do {
        send_numbered(loop, 0);
        for (uint32_t before = came[0]; came[0] < before + BATCH / 2;) // waits: it is put aside if net has just ended
            receive_numbered(loop, 0, MSG_WAITFORONE);
        send_numbered(host, 1);
        struct pollfd ready = {.fd = host, .events = POLLIN};
        while (poll(&ready, 1, 0) > 0)
            receive_numbered(host, 1, MSG_WAITFORONE);
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while (now.tv_sec < end.tv_sec && sent[0] < NUMBERS - BATCH);
    while (came[0] < sent[0])
        receive_numbered(loop, 0, MSG_WAITFORONE); // over loopback none is lost
    printf("loop %u of %u, host %u of %u\n", (unsigned)came[0], (unsigned)sent[0], (unsigned)came[1], (unsigned)sent[1]);
}

// All of them are sent by a socket that waits; by one that does not, no call fails.
static void send_fast(int host, unsigned count, int flags) {
    prepare(BATCH, 1400);
    for (unsigned done = 0; done < count;) {
        int now = sendmmsg(host, messages, count - done < BATCH ? count - done : BATCH, flags);
        if (now <= 0)
            fail("sendmmsg");
        done += (unsigned)now;
    }
}

int main(int argc, char **argv) {
    bool kills = argc == 5 && strcmp(argv[1], "-k") == 0;
    bool fast = argc == 5 && (strcmp(argv[1], "-s") == 0 || strcmp(argv[1], "-S") == 0), more = kills || fast;
    if (!more && argc != 3)
        return 2;
    struct sockaddr_in peer = name_of(argv[1 + more], atoi(argv[2 + more]));
    int host = socket(AF_INET, SOCK_DGRAM, 0), loop = loop_open(SOCK_DGRAM);
    if (host < 0 || connect(host, (struct sockaddr *)&peer, sizeof(peer)) != 0)
        fail("host");
    if (fast) {
        send_fast(host, (unsigned)atoi(argv[4]), argv[1][1] == 'S' ? MSG_DONTWAIT : 0);
        return 0;
    }
    if (kills) {
        run_numbered(host, atoi(argv[4]));
        return 0;
    }
    try_mixed(loop, "mixed");
    try_mixed(host, "mixed-host");
    try_flags(loop);
    try_timeout(loop);
    try_cut(loop);
    try_many(loop);
    try_bad(loop);
    try_others();
    try_error();
    try_hostile(loop);
    printf("end\n");
    return 0;
}
