// See resolve.h. Name servers are those of /etc/resolv.conf, or else what DHCP told. A question goes to each
// in turn, by UDP, and by TCP if the answer is cut (RFC 7766); whole rounds are repeated with more patience.
#include "libc/socket/resolve.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "libc/internal/system.h"

enum { SERVERS_MAX = 3, ROUNDS = 3, FIRST_PATIENCE = 1500, PORT = 53, TCP_PATIENCE = 5000 };

struct servers {
    struct sockaddr_storage addresses[SERVERS_MAX];
    size_t count;
    char domain[64];
};

// --- /etc/hosts
static int family_of(const char *text, uint8_t *address) {
    if (inet_pton(AF_INET, text, address) == 1)
        return AF_INET;
    return inet_pton(AF_INET6, text, address) == 1 ? AF_INET6 : AF_UNSPEC;
}

// Calls for each line with an address: its names are what is left of the line. True ends the walk.
static void hosts_walk(bool (*line)(void *argument, int family, const uint8_t *address, char *names), void *argument) {
    FILE *file = fopen("/etc/hosts", "r");
    char text[512];
    if (file == NULL)
        return;
    while (fgets(text, sizeof(text), file) != NULL) {
        uint8_t address[16];
        text[strcspn(text, "#\n")] = '\0';
        char *start = text + strspn(text, " \t");
        char *names = start + strcspn(start, " \t");
        if (*names != '\0')
            *names++ = '\0';
        int family = family_of(start, address);
        if (family != AF_UNSPEC && line(argument, family, address, names))
            break;
    }
    fclose(file);
}

struct hosts_search {
    const char *name;
    int family;
    const uint8_t *address;
    struct resolved *found;
    size_t most, count;
};

static bool hosts_name(void *argument, int family, const uint8_t *address, char *names) {
    struct hosts_search *search = argument;
    char *rest = names;
    const char *first = NULL, *name;
    while ((name = strtok_r(rest, " \t", &rest)) != NULL) {
        first = first == NULL ? name : first;
        if (strcasecmp(name, search->name) != 0 || (search->family != AF_UNSPEC && search->family != family) ||
            search->count == search->most)
            continue;
        struct resolved *found = &search->found[search->count++];
        found->family = family;
        memcpy(found->address, address, 16);
        snprintf(found->name, sizeof(found->name), "%s", first);
        break;
    }
    return false;
}

static bool hosts_address(void *argument, int family, const uint8_t *address, char *names) {
    struct hosts_search *search = argument;
    char *rest = names;
    const char *name = strtok_r(rest, " \t", &rest);
    if (name == NULL || family != search->family || memcmp(address, search->address, family == AF_INET ? 4 : 16) != 0)
        return false;
    snprintf(search->found->name, sizeof(search->found->name), "%s", name);
    search->count = 1;
    return true;
}

// --- name servers
static void add_server(struct servers *servers, int family, const uint8_t *address) {
    if (servers->count == SERVERS_MAX)
        return;
    struct sockaddr_storage *place = &servers->addresses[servers->count++];
    memset(place, 0, sizeof(*place));
    if (family == AF_INET) {
        struct sockaddr_in *in = (void *)place;
        in->sin_family = AF_INET;
        in->sin_port = htons(PORT);
        memcpy(&in->sin_addr, address, 4);
    } else {
        struct sockaddr_in6 *in = (void *)place;
        in->sin6_family = AF_INET6;
        in->sin6_port = htons(PORT);
        memcpy(&in->sin6_addr, address, 16);
    }
}

static void read_configuration(struct servers *servers) {
    FILE *file = fopen("/etc/resolv.conf", "r");
    char line[256], word[128];
    uint8_t address[16];
    *servers = (struct servers){0};
    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        if (sscanf(line, " nameserver %127s", word) == 1) {
            int family = family_of(word, address);
            if (family != AF_UNSPEC)
                add_server(servers, family, address);
        } else if (sscanf(line, " search %63s", word) == 1 || sscanf(line, " domain %63s", word) == 1) {
            snprintf(servers->domain, sizeof(servers->domain), "%.63s", word);
        }
    }
    if (file != NULL)
        fclose(file);
    uint8_t told[SERVERS_MAX][16];
    char domain[64];
    size_t count;
    if (servers->count != 0 || system_name_servers(told, SERVERS_MAX, &count, domain) != ERR_OK)
        return;
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    for (size_t i = 0; i < count; i++) {
        bool v4 = memcmp(told[i], mapped, sizeof(mapped)) == 0;
        add_server(servers, v4 ? AF_INET : AF_INET6, v4 ? told[i] + 12 : told[i]);
    }
    if (servers->domain[0] == '\0')
        memcpy(servers->domain, domain, sizeof(domain));
}

static socklen_t size_of(const struct sockaddr_storage *address) {
    return address->ss_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
}

static long milliseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

struct question {
    const char *name;
    uint16_t type, identifier;
    uint8_t message[512];
    size_t length;
    struct dns_answer *answers;
    size_t most;
    int code;
    bool cut;
};

static bool read_all(int fd, uint8_t *to, size_t size, long until) {
    while (size != 0) {
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        long left = until - milliseconds();
        if (left <= 0 || poll(&wait, 1, (int)left) <= 0)
            return false;
        ssize_t count = recv(fd, to, size, 0);
        if (count <= 0)
            return false;
        to += count;
        size -= (size_t)count;
    }
    return true;
}

// The number of answers, or -1.
static int ask_by_tcp(struct question *question, const struct sockaddr_storage *server, uint8_t *message) {
    int fd = socket(server->ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0), count = -1;
    uint8_t head[2] = {(uint8_t)(question->length >> 8), (uint8_t)question->length};
    struct timeval patience = {.tv_sec = TCP_PATIENCE / 1000};
    long until = milliseconds() + TCP_PATIENCE;
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    if (connect(fd, (const void *)server, size_of(server)) == 0 && send(fd, head, 2, 0) == 2 &&
        send(fd, question->message, question->length, 0) == (ssize_t)question->length && read_all(fd, head, 2, until)) {
        size_t length = (size_t)(head[0] << 8 | head[1]);
        if (length <= DNS_MESSAGE_BYTES && read_all(fd, message, length, until))
            count = dns_answers(message, length, question->identifier, question->name, question->type, question->answers,
                                question->most, &question->code, &question->cut);
    }
    close(fd);
    return count;
}

// Waits for the answer of one server; what does not fit the question is not heard (RFC 5452).
static int ask_by_udp(struct question *question, const struct sockaddr_storage *server, uint8_t *message, int patience) {
    int fd = socket(server->ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0), count = -1;
    long until = milliseconds() + patience, left;
    if (fd < 0)
        return -1;
    if (connect(fd, (const void *)server, size_of(server)) == 0 &&
        send(fd, question->message, question->length, 0) == (ssize_t)question->length) {
        while (count < 0 && (left = until - milliseconds()) > 0) {
            struct pollfd wait = {.fd = fd, .events = POLLIN};
            if (poll(&wait, 1, (int)left) <= 0)
                break;
            ssize_t length = recv(fd, message, DNS_MESSAGE_BYTES, 0);
            if (length < 0)
                break; // nobody listens there
            count = dns_answers(message, (size_t)length, question->identifier, question->name, question->type, question->answers,
                                question->most, &question->code, &question->cut);
        }
    }
    close(fd);
    return count >= 0 && question->cut ? ask_by_tcp(question, server, message) : count;
}

// 0 and *count answers (none: there is no such record), or EAI_....
static int ask(const struct servers *servers, const char *name, uint16_t type, struct dns_answer *answers, size_t most,
               size_t *count) {
    static uint8_t message[DNS_MESSAGE_BYTES];
    struct question question = {.name = name, .type = type, .answers = answers, .most = most};
    *count = 0;
    for (int round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < servers->count; i++) {
            if (getrandom(&question.identifier, sizeof(question.identifier), 0) < 0)
                return EAI_SYSTEM;
            question.length = dns_question(question.message, sizeof(question.message), question.identifier, name, type);
            if (question.length == 0)
                return EAI_NONAME;
            int found = ask_by_udp(&question, &servers->addresses[i], message, FIRST_PATIENCE << round);
            if (found > 0 || (found == 0 && (question.code == 0 || question.code == DNS_NAME_ERROR))) {
                *count = (size_t)found;
                return found == 0 && question.code == DNS_NAME_ERROR ? EAI_NONAME : 0;
            }
        }
    }
    return EAI_AGAIN;
}

static int ask_both(const struct servers *servers, const char *name, int family, struct resolved *found, size_t most,
                    size_t *count) {
    static const struct {
        int family;
        uint16_t type;
    } kinds[] = {{AF_INET, DNS_TYPE_A}, {AF_INET6, DNS_TYPE_AAAA}};
    struct dns_answer *answers = calloc(RESOLVE_MOST, sizeof(*answers));
    int result = EAI_NONAME;
    if (answers == NULL)
        return EAI_MEMORY;
    for (size_t i = 0; i < 2; i++) {
        size_t some;
        if (family != AF_UNSPEC && family != kinds[i].family)
            continue;
        int error = ask(servers, name, kinds[i].type, answers, RESOLVE_MOST, &some);
        if (error != 0 && result != 0)
            result = error;
        for (size_t j = 0; j < some && *count < most; j++) {
            struct resolved *place = &found[(*count)++];
            place->family = kinds[i].family;
            memcpy(place->address, answers[j].address, 16);
            memcpy(place->name, answers[j].name, sizeof(place->name));
            result = 0;
        }
        if (error == EAI_NONAME || error == EAI_AGAIN)
            break; // the name does not exist, or nobody answers: the other question would tell the same
    }
    free(answers);
    return result;
}

int resolve_host(const char *name, int family, struct resolved *found, size_t most, size_t *count) {
    struct hosts_search search = {.name = name, .family = family, .found = found, .most = most};
    struct servers servers;
    char full[DNS_NAME_BYTES];
    hosts_walk(hosts_name, &search);
    *count = search.count;
    if (*count != 0)
        return 0;
    if (strcasecmp(name, "localhost") == 0) { // RFC 6761 section 6.3
        *found = (struct resolved){.family = family == AF_INET6 ? AF_INET6 : AF_INET};
        inet_pton(found->family, family == AF_INET6 ? "::1" : "127.0.0.1", found->address);
        strcpy(found->name, "localhost");
        *count = 1;
        return 0;
    }
    read_configuration(&servers);
    if (servers.count == 0)
        return EAI_AGAIN;
    int result = ask_both(&servers, name, family, found, most, count);
    if (result == EAI_NONAME && strchr(name, '.') == NULL && servers.domain[0] != '\0' &&
        snprintf(full, sizeof(full), "%s.%s", name, servers.domain) < (int)sizeof(full))
        result = ask_both(&servers, full, family, found, most, count);
    return result;
}

int resolve_address(int family, const uint8_t *address, char *name, size_t size) {
    struct resolved found;
    struct hosts_search search = {.family = family, .address = address, .found = &found};
    struct servers servers;
    struct dns_answer answer;
    char question[80] = "";
    size_t count = 0;
    hosts_walk(hosts_address, &search);
    if (search.count != 0) {
        snprintf(name, size, "%s", found.name);
        return 0;
    }
    if (family == AF_INET) { // RFC 1035 section 3.5
        snprintf(question, sizeof(question), "%u.%u.%u.%u.in-addr.arpa", address[3], address[2], address[1], address[0]);
    } else { // RFC 3596 section 2.5
        char *at = question;
        for (int i = 15; i >= 0; i--)
            at += sprintf(at, "%x.%x.", address[i] & 0xf, address[i] >> 4);
        strcpy(at, "ip6.arpa");
    }
    read_configuration(&servers);
    if (servers.count == 0)
        return EAI_AGAIN;
    int error = ask(&servers, question, DNS_TYPE_PTR, &answer, 1, &count);
    if (error == 0 && count == 0)
        error = EAI_NONAME;
    if (error == 0)
        snprintf(name, size, "%s", answer.name);
    return error;
}
