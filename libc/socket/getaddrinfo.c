// getaddrinfo, freeaddrinfo, getnameinfo, gai_strerror (POSIX, RFC 3493).
#include <arpa/inet.h>
#include <net/if.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libc/socket/resolve.h"

// What programs here ask for by name; the rest is asked for by number.
static const struct service {
    const char *name;
    uint16_t port;
    int type; // 0: both
} services[] = {
    {"echo", 7, 0},           {"discard", 9, 0},          {"ssh", 22, SOCK_STREAM}, {"domain", 53, 0}, {"http", 80, SOCK_STREAM},
    {"ntp", 123, SOCK_DGRAM}, {"https", 443, SOCK_STREAM}};

const char *gai_strerror(int error) {
    switch (error) {
    case 0:
        return "no error";
    case EAI_BADFLAGS:
        return "invalid flags";
    case EAI_NONAME:
        return "unknown name or service";
    case EAI_AGAIN:
        return "no name server answers";
    case EAI_FAIL:
        return "name look-up failed for good";
    case EAI_FAMILY:
        return "address family not supported";
    case EAI_SOCKTYPE:
        return "socket type not supported";
    case EAI_SERVICE:
        return "service not known for this kind of socket";
    case EAI_MEMORY:
        return "out of memory";
    case EAI_OVERFLOW:
        return "buffer too small";
    default:
        return "system error";
    }
}

// In network byte order.
static int service_port(const char *service, const struct addrinfo *hints, uint16_t *port) {
    char *end;
    *port = 0;
    if (service == NULL)
        return 0;
    unsigned long number = strtoul(service, &end, 10);
    if (*service >= '0' && *service <= '9' && *end == '\0' && number <= UINT16_MAX) {
        *port = htons(number);
        return 0;
    }
    if ((hints->ai_flags & AI_NUMERICSERV) != 0)
        return EAI_NONAME;
    for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++)
        if (strcmp(services[i].name, service) == 0 &&
            (services[i].type == 0 || hints->ai_socktype == 0 || hints->ai_socktype == services[i].type)) {
            *port = htons(services[i].port);
            return 0;
        }
    return EAI_SERVICE;
}

// One allocation holds an entry and its address.
struct entry {
    struct addrinfo info;
    struct sockaddr_storage address;
};

static int append(struct addrinfo ***place, const struct resolved *host, unsigned scope, uint16_t port, int type, int protocol,
                  const char *canonical) {
    struct entry *entry = calloc(1, sizeof(*entry));
    if (entry == NULL)
        return EAI_MEMORY;
    entry->info.ai_family = host->family;
    entry->info.ai_socktype = type;
    entry->info.ai_protocol = protocol;
    entry->info.ai_addr = (struct sockaddr *)&entry->address;
    if (host->family == AF_INET) {
        struct sockaddr_in *in = (void *)&entry->address;
        entry->info.ai_addrlen = sizeof(*in);
        in->sin_family = AF_INET;
        in->sin_port = port;
        memcpy(&in->sin_addr, host->address, 4);
    } else {
        struct sockaddr_in6 *in = (void *)&entry->address;
        entry->info.ai_addrlen = sizeof(*in);
        in->sin6_family = AF_INET6;
        in->sin6_port = port;
        in->sin6_scope_id = scope;
        memcpy(&in->sin6_addr, host->address, 16);
    }
    if (canonical != NULL && (entry->info.ai_canonname = strdup(canonical)) == NULL) {
        free(entry);
        return EAI_MEMORY;
    }
    **place = &entry->info;
    *place = &entry->info.ai_next;
    return 0;
}

// An address as text, with a scope behind a '%'. False: it is none.
static bool read_numeric(const char *host, struct resolved *found, unsigned *scope) {
    char text[INET6_ADDRSTRLEN + IF_NAMESIZE + 1];
    struct in_addr old;
    if (inet_aton(host, &old) != 0) {
        found->family = AF_INET;
        memcpy(found->address, &old, 4);
        return true;
    }
    if (strlen(host) >= sizeof(text))
        return false;
    strcpy(text, host);
    char *percent = strchr(text, '%');
    if (percent != NULL)
        *percent++ = '\0';
    if (inet_pton(AF_INET6, text, found->address) != 1)
        return false;
    found->family = AF_INET6;
    if (percent != NULL) {
        *scope = (unsigned)strtoul(percent, NULL, 10);
        if (*scope == 0 && (*scope = if_nametoindex(percent)) == 0)
            return false;
    }
    return true;
}

static size_t own_addresses(int family, bool passive, struct resolved *found) {
    size_t count = 0;
    for (int i = 0; i < 2; i++) {
        int each = i == 0 ? AF_INET : AF_INET6;
        if (family != AF_UNSPEC && family != each)
            continue;
        found[count] = (struct resolved){.family = each};
        if (!passive)
            inet_pton(each, each == AF_INET ? "127.0.0.1" : "::1", found[count].address);
        count++;
    }
    return count;
}

static int look_up(const char *host, const struct addrinfo *hints, struct resolved *found, size_t *count, unsigned *scope) {
    *count = 0;
    if (host == NULL) {
        *count = own_addresses(hints->ai_family, (hints->ai_flags & AI_PASSIVE) != 0, found);
        return 0;
    }
    if (read_numeric(host, found, scope)) {
        if (hints->ai_family != AF_UNSPEC && hints->ai_family != found->family)
            return EAI_NONAME;
        snprintf(found->name, sizeof(found->name), "%s", host);
        *count = 1;
        return 0;
    }
    if ((hints->ai_flags & AI_NUMERICHOST) != 0 || *host == '\0')
        return EAI_NONAME;
    return resolve_host(host, hints->ai_family, found, RESOLVE_MOST, count);
}

static int make_list(const struct resolved *found, size_t count, unsigned scope, uint16_t port, const struct addrinfo *hints,
                     struct addrinfo **result) {
    static const int types[][2] = {{SOCK_STREAM, IPPROTO_TCP}, {SOCK_DGRAM, IPPROTO_UDP}, {SOCK_RAW, 0}};
    struct addrinfo **place = result;
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < 3; j++) {
            if (hints->ai_socktype != 0 ? hints->ai_socktype != types[j][0] : j == 2)
                continue;
            if (hints->ai_protocol != 0 && types[j][1] != 0 && hints->ai_protocol != types[j][1])
                continue;
            bool named = *result == NULL && (hints->ai_flags & AI_CANONNAME) != 0;
            int error = append(&place, &found[i], scope, port, types[j][0], types[j][1] != 0 ? types[j][1] : hints->ai_protocol,
                               named ? found[i].name : NULL);
            if (error != 0)
                return error;
        }
    return *result != NULL ? 0 : EAI_SOCKTYPE;
}

int getaddrinfo(const char *restrict host, const char *restrict service, const struct addrinfo *restrict hints,
                struct addrinfo **restrict result) {
    static const struct addrinfo none;
    uint16_t port;
    unsigned scope = 0;
    size_t count;
    hints = hints == NULL ? &none : hints;
    if (host == NULL && service == NULL)
        return EAI_NONAME;
    if (hints->ai_family != AF_UNSPEC && hints->ai_family != AF_INET && hints->ai_family != AF_INET6)
        return EAI_FAMILY;
    int error = service_port(service, hints, &port);
    if (error != 0)
        return error;
    struct resolved *found = calloc(RESOLVE_MOST, sizeof(*found));
    if (found == NULL)
        return EAI_MEMORY;
    *result = NULL;
    error = look_up(host, hints, found, &count, &scope);
    if (error == 0)
        error = make_list(found, count, scope, port, hints, result);
    free(found);
    if (error != 0) {
        freeaddrinfo(*result);
        *result = NULL;
    }
    return error;
}

void freeaddrinfo(struct addrinfo *list) {
    while (list != NULL) {
        struct addrinfo *next = list->ai_next;
        free(list->ai_canonname);
        free(list); // the first member of its struct entry
        list = next;
    }
}

static int service_text(uint16_t port, char *service, socklen_t size, int flags) {
    int type = (flags & NI_DGRAM) != 0 ? SOCK_DGRAM : SOCK_STREAM;
    for (size_t i = 0; i < sizeof(services) / sizeof(services[0]) && (flags & NI_NUMERICSERV) == 0; i++)
        if (services[i].port == port && (services[i].type == 0 || services[i].type == type))
            return snprintf(service, size, "%s", services[i].name) < (int)size ? 0 : EAI_OVERFLOW;
    return snprintf(service, size, "%u", port) < (int)size ? 0 : EAI_OVERFLOW;
}

int getnameinfo(const struct sockaddr *restrict address, socklen_t length, char *restrict host, socklen_t host_size,
                char *restrict service, socklen_t service_size, int flags) {
    const struct sockaddr_in *in = (const void *)address;
    const struct sockaddr_in6 *in6 = (const void *)address;
    bool v4 = address->sa_family == AF_INET;
    if ((!v4 && address->sa_family != AF_INET6) || length < (v4 ? sizeof(*in) : sizeof(*in6)))
        return EAI_FAMILY;
    const void *bytes = v4 ? (const void *)&in->sin_addr : (const void *)&in6->sin6_addr;
    if (host != NULL && host_size != 0) {
        int error = (flags & NI_NUMERICHOST) != 0 ? EAI_NONAME : resolve_address(address->sa_family, bytes, host, host_size);
        if (error != 0 && (flags & NI_NAMEREQD) != 0)
            return error;
        if (error != 0 && inet_ntop(address->sa_family, bytes, host, host_size) == NULL)
            return EAI_OVERFLOW;
        size_t used = strlen(host);
        if (error != 0 && !v4 && in6->sin6_scope_id != 0)
            snprintf(host + used, host_size - used, "%%%u", in6->sin6_scope_id);
    }
    return service == NULL || service_size == 0
               ? 0
               : service_text(ntohs(v4 ? in->sin_port : in6->sin6_port), service, service_size, flags);
}
