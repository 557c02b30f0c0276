// See ask.h. An answer is heard only from the address and the port that were asked, with the identifier and the question that
// were sent (RFC 5452): sockets are connected, and each question has a socket of its own, so a port of its own, by chance.
#include "servers/resolver/ask.h"

#include <string.h>

#include "kernel/abi/capability.h"
#include "libipc/client/clock.h"
#include "libipc/client/slot.h"
#include "libipc/protocols/kernel.h"
#include "libipc/protocols/net.h"
#include "libipc/protocols/socket.h"
#include "libipc/start/start.h"

#define MILLISECOND UINT64_C(1000000)
#define TCP_WAIT    (5000 * MILLISECOND)
#define SILENCE     (30000 * MILLISECOND) // a server that did not answer is asked last for so long
enum { SILENT_MAX = 8, CODE_SERVER_FAILURE = 2 };

// Servers that did not answer.
static struct silent {
    uint8_t address[16];
    uint64_t until; // 0: free
} silent[SILENT_MAX];

struct attempt {
    const struct question *question;
    struct ask_room *room;
    struct socket_address server;
    uint16_t identifier;
    uint64_t length; // of the question
    uint64_t until;
    struct dns_answer *answer;
};

static bool is_silent(const uint8_t *address) {
    for (uint32_t i = 0; i < SILENT_MAX; i++)
        if (silent[i].until > clock_monotonic() && memcmp(silent[i].address, address, 16) == 0)
            return true;
    return false;
}

static void note_silence(const uint8_t *address, bool is) {
    struct silent *place = &silent[0];
    for (uint32_t i = 0; i < SILENT_MAX; i++) {
        if (memcmp(silent[i].address, address, 16) == 0) {
            place = &silent[i];
            break;
        }
        if (silent[i].until < place->until)
            place = &silent[i];
    }
    if (is) {
        memcpy(place->address, address, 16);
        place->until = clock_monotonic() + SILENCE;
    } else if (memcmp(place->address, address, 16) == 0) {
        place->until = 0;
    }
}

static error_t socket_open(const struct attempt *attempt, uint64_t type, cap_t *socket) {
    error_t error = net_open_socket(startup_capability("net"), attempt->server.family, type, 0, 0, socket);
    if (error == ERR_OK)
        error = socket_set_option(*socket, SOCKET_OPTION_SEND_TIMEOUT, attempt->until - clock_monotonic());
    if (error == ERR_OK)
        error = socket_connect(*socket, &attempt->server);
    return error;
}

// What comes next, until the attempt's end. ERR_DEADLINE.
static error_t receive(const struct attempt *attempt, cap_t socket, void *to, uint64_t room, uint64_t *count) {
    struct socket_address from;
    uint64_t now = clock_monotonic(), whole, ready;
    if (now >= attempt->until)
        return ERR_DEADLINE;
    error_t error = socket_set_option(socket, SOCKET_OPTION_RECEIVE_TIMEOUT, attempt->until - now);
    if (error == ERR_OK)
        error = socket_receive_from(socket, 0, to, room, &from, count, &whole, &ready);
    return error == ERR_AGAIN ? ERR_DEADLINE : error;
}

static bool is_answer(const struct attempt *attempt, uint64_t length) {
    return dns_answer_read(attempt->room->message, length, attempt->identifier, attempt->question->name, attempt->question->type,
                           attempt->answer);
}

static error_t ask_by_udp(const struct attempt *attempt) {
    static const struct socket_address peer;
    cap_t socket = 0;
    uint64_t count;
    error_t error = socket_open(attempt, SOCKET_TYPE_DATAGRAM, &socket);
    if (error == ERR_OK)
        error = socket_send_to(socket, &peer, 0, attempt->room->question, attempt->length, &count);
    do {
        if (error == ERR_OK)
            error = receive(attempt, socket, attempt->room->message, DNS_MESSAGE_BYTES, &count);
    } while (error == ERR_OK && !is_answer(attempt, count));
    slot_release(socket);
    return error;
}

static error_t send_all(cap_t socket, const uint8_t *bytes, uint64_t length) {
    static const struct socket_address peer;
    error_t error = ERR_OK;
    for (uint64_t count; error == ERR_OK && length != 0; bytes += count, length -= count) {
        count = 0;
        error = socket_send_to(socket, &peer, 0, bytes, length, &count);
    }
    return error;
}

static error_t receive_all(const struct attempt *attempt, cap_t socket, uint8_t *to, uint64_t length) {
    error_t error = ERR_OK;
    for (uint64_t count; error == ERR_OK && length != 0; to += count, length -= count) {
        count = 0;
        error = receive(attempt, socket, to, length, &count);
        if (error == ERR_OK && count == 0)
            error = ERR_IO; // it ended too early
    }
    return error;
}

// RFC 7766: the same message behind its length.
static error_t ask_by_tcp(struct attempt *attempt) {
    uint8_t head[2] = {(uint8_t)(attempt->length >> 8), (uint8_t)attempt->length};
    cap_t socket = 0;
    attempt->until = clock_monotonic() + TCP_WAIT;
    error_t error = socket_open(attempt, SOCKET_TYPE_STREAM, &socket);
    if (error == ERR_OK)
        error = send_all(socket, head, sizeof(head));
    if (error == ERR_OK)
        error = send_all(socket, attempt->room->question, attempt->length);
    if (error == ERR_OK)
        error = receive_all(attempt, socket, head, sizeof(head));
    uint64_t length = (uint64_t)head[0] << 8 | head[1];
    if (error == ERR_OK && length > DNS_MESSAGE_BYTES)
        error = ERR_MESSAGE_SIZE;
    if (error == ERR_OK)
        error = receive_all(attempt, socket, attempt->room->message, length);
    if (error == ERR_OK && !is_answer(attempt, length))
        error = ERR_IO;
    slot_release(socket);
    return error;
}

// One server, once.
static error_t ask_server(const struct question *question, struct ask_room *room, uint32_t number, struct dns_answer *answer) {
    const struct resolver_servers *servers = &question->servers;
    const uint8_t *address = servers->addresses + 16 * (size_t)number;
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    struct attempt attempt = {
        .question = question, .room = room, .answer = answer, .until = clock_monotonic() + servers->patience * MILLISECOND};
    uint64_t random[6];
    error_t error = kernel_random(SLOT_KERNEL, &random[0], &random[1], &random[2], &random[3], &random[4], &random[5]);
    if (error != ERR_OK)
        return error;
    attempt.identifier = (uint16_t)random[0];
    attempt.server =
        (struct socket_address){.port = servers->ports[number],
                                .family = memcmp(address, mapped, sizeof(mapped)) == 0 ? SOCKET_FAMILY_IPV4 : SOCKET_FAMILY_IPV6};
    memcpy(attempt.server.address, address, 16);
    attempt.length = dns_question(room->question, sizeof(room->question), attempt.identifier, question->name, question->type);
    if (attempt.length == 0)
        return ERR_INVALID;
    error = ask_by_udp(&attempt);
    if (error == ERR_OK && answer->cut)
        error = ask_by_tcp(&attempt);
    if (error == ERR_DEADLINE || error == ERR_OK)
        note_silence(address, error == ERR_DEADLINE);
    return error;
}

// In the first round those that were silent lately are left out, if there are others.
static bool is_left_out(const struct resolver_servers *servers, uint32_t round, uint32_t number) {
    if (round != 0 || !is_silent(servers->addresses + 16 * (size_t)number))
        return false;
    for (uint32_t i = 0; i < servers->count; i++)
        if (!is_silent(servers->addresses + 16 * (size_t)i))
            return true;
    return false;
}

error_t ask(const struct question *question, struct ask_room *room, struct dns_answer *answer) {
    bool answered = false;
    int code = 0;
    for (uint32_t round = 0; round < question->servers.attempts; round++) {
        bool final = true; // those who answered refuse for good
        for (uint32_t i = 0; i < question->servers.count; i++) {
            if (is_left_out(&question->servers, round, i)) {
                final = false;
                continue;
            }
            error_t error = ask_server(question, room, i, answer);
            if (error == ERR_CANCELLED || error == ERR_INVALID)
                return error;
            if (error == ERR_OK && (answer->code == 0 || answer->code == DNS_NAME_ERROR))
                return ERR_OK;
            if (error == ERR_OK) {
                answered = true;
                code = answer->code;
            }
            final = final && error == ERR_OK && code != CODE_SERVER_FAILURE;
        }
        if (final)
            break;
    }
    if (!answered)
        return ERR_DEADLINE;
    memset(answer, 0, sizeof(*answer));
    answer->code = code;
    return ERR_OK;
}
