// capture: shows the frames that an interface sends and receives, or writes them to a file for Wireshark. It
// needs a packet socket, which only those get whom the network server lets have one.
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netpacket/packet.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "programs/capture/describe.h"
#include "programs/capture/pcapng.h"
#include "programs/common/program.h"

enum { FRAME_MOST = 65536, ALL_TYPES = 3, FILE_BLOCK = 32768 };

static volatile sig_atomic_t stopped;
static uint8_t frame[FRAME_MOST];

static void stop(int number) {
    (void)number;
    stopped = 1;
}

static uint64_t wall_time(void) {
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static void print(uint64_t time, uint32_t length, bool outgoing) {
    static uint64_t first;
    struct buffer line;
    first = first ? first : time;
    buffer_init(&line);
    frame_describe(&line, frame, length);
    printf("%4llu.%06llu %s %s (%u)\n", (unsigned long long)((time - first) / 1000000000),
           (unsigned long long)((time - first) / 1000 % 1000000), outgoing ? "->" : "<-", line.data, length);
    buffer_free(&line);
}

static bool write_out(int file, struct buffer *blocks, const char *name) {
    bool good = descriptor_write(file, blocks->data, blocks->length);
    if (!good)
        program_errno(name);
    buffer_clear(blocks);
    return good;
}

static int packet_socket(const char *interface) {
    int packets = socket(AF_PACKET, SOCK_RAW, htons(ALL_TYPES));
    if (packets < 0)
        program_fail("packet socket", "%s", error_text(errno));
    if (!interface)
        return packets;
    struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_protocol = htons(ALL_TYPES)};
    address.sll_ifindex = (int)if_nametoindex(interface);
    if (address.sll_ifindex == 0)
        program_fail(interface, "no such interface");
    if (bind(packets, (struct sockaddr *)&address, sizeof(address)) != 0)
        program_fail(interface, "%s", error_text(errno));
    return packets;
}

static int capture_all(int packets, long long count, uint32_t limit, int file, const char *name, struct buffer *blocks) {
    long long seen = 0;
    for (; !stopped && (count == 0 || seen < count); seen++) {
        struct sockaddr_ll from = {0};
        socklen_t length = sizeof(from);
        ssize_t got = recvfrom(packets, frame, sizeof(frame), 0, (struct sockaddr *)&from, &length);
        if (got < 0 && errno == EINTR)
            break;
        if (got < 0)
            program_fail("packet socket", "%s", error_text(errno));
        uint32_t whole = (uint32_t)got, kept = limit != 0 && whole > limit ? limit : whole;
        bool outgoing = from.sll_pkttype == PACKET_OUTGOING;
        if (file < 0)
            print(wall_time(), whole, outgoing);
        else
            pcapng_frame(blocks, wall_time(), frame, kept, whole, outgoing);
        if (file >= 0 && blocks->length >= FILE_BLOCK && !write_out(file, blocks, name))
            return 1;
    }
    if (file >= 0 && !write_out(file, blocks, name))
        return 1;
    fprintf(stderr, "%lld frames\n", seen);
    return 0;
}

int main(int argc, char **argv) {
    program_start(argc, argv, "[-i INTERFACE] [-c COUNT] [-s BYTES] [-w FILE]",
                  "  -i  this interface only   -c  stop after COUNT frames   -s  keep BYTES of each frame\n"
                  "  -w  write a pcapng file (-: standard output) instead of a line for each frame\n"
                  "Without -c it goes on until ^C.\n");
    const char *interface = NULL, *name = NULL;
    long long count = 0, limit = 0;
    for (int option; (option = program_option("i:c:s:w:")) != -1;) {
        if (option == 'i')
            interface = program_argument;
        else if (option == 'c')
            count = number_parse(program_argument, "a number of frames");
        else if (option == 's')
            limit = number_parse(program_argument, "a number of bytes");
        else
            name = program_argument;
    }
    if (program_operand_count || count < 0 || limit < 0 || limit > FRAME_MOST)
        program_usage_error("options only, and no negative numbers");
    int packets = packet_socket(interface), file = -1;
    struct buffer blocks;
    buffer_init(&blocks);
    if (name) {
        file = strcmp(name, "-") == 0 ? STDOUT_FILENO : open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);
        if (file < 0)
            program_fail(name, "%s", error_text(errno));
        pcapng_begin(&blocks, "capture, Keelson", interface ? interface : "all", (uint32_t)limit);
    }
    struct sigaction action = {.sa_handler = stop};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    int status = capture_all(packets, count, (uint32_t)limit, file, name, &blocks);
    buffer_free(&blocks);
    return program_end(status);
}
