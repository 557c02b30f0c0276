// getaddrinfo, freeaddrinfo, getnameinfo, gai_strerror (POSIX, RFC 3493).
#include <arpa/inet.h>
#include <net/if.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libc/internal/system.h"
#include "libc/socket/resolve.h"
#include "libc/socket/services.h"

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
    case EAI_NOSERVER:
        return "no name server is known";
    case EAI_FAIL:
        return "the name servers have failed";
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

// Ports of a service by kind of socket, in network byte order; `has`: the service is there for that kind.
struct ports {
    bool has[2];
    uint16_t port[2];
};

static const struct kind {
    int type, protocol;
    const char *name;
} kinds[] = {{SOCK_STREAM, IPPROTO_TCP, "tcp"}, {SOCK_DGRAM, IPPROTO_UDP, "udp"}};

static int service_ports(const char *service, const struct addrinfo *hints, struct ports *ports) {
    char *end;
    *ports = (struct ports){.has = {true, true}};
    if (service == NULL)
        return 0;
    unsigned long number = strtoul(service, &end, 10);
    if (*service >= '0' && *service <= '9' && *end == '\0') {
        ports->port[0] = ports->port[1] = htons((uint16_t)number);
        return number <= UINT16_MAX ? 0 : EAI_SERVICE;
    }
    if ((hints->ai_flags & AI_NUMERICSERV) != 0)
        return EAI_NONAME;
    bool any = false;
    for (size_t i = 0; i < 2; i++) {
        uint16_t port;
        bool wanted = hints->ai_socktype == 0 || hints->ai_socktype == kinds[i].type;
        ports->has[i] = wanted && service_find(service, kinds[i].name, &port, NULL, 0);
        if (ports->has[i])
            ports->port[i] = htons(port);
        any |= ports->has[i];
    }
    return any ? 0 : EAI_SERVICE;
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

// An IPv4 address as one of IPv6 (RFC 3493 section 3.7).
static void map(struct resolved *address) {
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    memcpy(address->address + 12, address->address, 4);
    memcpy(address->address, mapped, sizeof(mapped));
    address->family = AF_INET6;
}

// Section 6.1: AI_ADDRCONFIG leaves out families that this host has no address of; AI_V4MAPPED gives IPv4 addresses to who wants
// IPv6 and there is none, AI_ALL beside those.
static int look_up_name(const char *host, const struct addrinfo *hints, struct resolved *found, size_t *count) {
    bool mapped = hints->ai_family == AF_INET6 && (hints->ai_flags & AI_V4MAPPED) != 0;
    int family = hints->ai_family, error = EAI_NONAME;
    if (family == AF_UNSPEC && (hints->ai_flags & AI_ADDRCONFIG) != 0) {
        bool has4 = system_has_address(AF_INET), has6 = system_has_address(AF_INET6);
        if (has4 != has6)
            family = has4 ? AF_INET : AF_INET6;
    }
    error = resolve_host(host, family, found, RESOLVE_MOST, count);
    if (mapped && ((error == EAI_NONAME && *count == 0) || (hints->ai_flags & AI_ALL) != 0)) {
        size_t first = error == 0 ? *count : 0, more = 0;
        int second = first < RESOLVE_MOST ? resolve_host(host, AF_INET, found + first, RESOLVE_MOST - first, &more) : EAI_NONAME;
        for (size_t i = 0; second == 0 && i < more; i++)
            map(&found[first + i]);
        if (second == 0) {
            *count = first + more;
            error = 0;
        }
    }
    return error;
}

static int look_up(const char *host, const struct addrinfo *hints, struct resolved *found, size_t *count, unsigned *scope) {
    *count = 0;
    if (host == NULL) {
        *count = own_addresses(hints->ai_family, (hints->ai_flags & AI_PASSIVE) != 0, found);
        return 0;
    }
    if (read_numeric(host, found, scope)) {
        if (hints->ai_family == AF_INET6 && found->family == AF_INET && (hints->ai_flags & AI_V4MAPPED) != 0)
            map(found);
        if (hints->ai_family != AF_UNSPEC && hints->ai_family != found->family)
            return EAI_NONAME;
        snprintf(found->name, sizeof(found->name), "%s", host);
        *count = 1;
        return 0;
    }
    if ((hints->ai_flags & AI_NUMERICHOST) != 0 || *host == '\0')
        return EAI_NONAME;
    return look_up_name(host, hints, found, count);
}

static int make_list(const struct resolved *found, size_t count, unsigned scope, const struct ports *ports,
                     const struct addrinfo *hints, struct addrinfo **result) {
    struct addrinfo **place = result;
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < 3; j++) {
            bool raw = j == 2; // only for who asks for it
            int type = raw ? SOCK_RAW : kinds[j].type, protocol = raw ? hints->ai_protocol : kinds[j].protocol;
            if ((hints->ai_socktype != 0 ? hints->ai_socktype != type : raw) || (!raw && !ports->has[j]) ||
                (hints->ai_protocol != 0 && hints->ai_protocol != protocol))
                continue;
            bool named = *result == NULL && (hints->ai_flags & AI_CANONNAME) != 0;
            int error = append(&place, &found[i], scope, raw ? ports->port[0] : ports->port[j], type, protocol,
                               named ? found[i].name : NULL);
            if (error != 0)
                return error;
        }
    return *result != NULL ? 0 : EAI_SOCKTYPE;
}

int getaddrinfo(const char *restrict host, const char *restrict service, const struct addrinfo *restrict hints,
                struct addrinfo **restrict result) {
    static const struct addrinfo none;
    const int known = AI_PASSIVE | AI_CANONNAME | AI_NUMERICHOST | AI_V4MAPPED | AI_ALL | AI_ADDRCONFIG | AI_NUMERICSERV;
    struct ports ports;
    unsigned scope = 0;
    size_t count;
    hints = hints == NULL ? &none : hints;
    if (host == NULL && service == NULL)
        return EAI_NONAME;
    if ((hints->ai_flags & ~known) != 0 || (host == NULL && (hints->ai_flags & AI_CANONNAME) != 0))
        return EAI_BADFLAGS;
    if (hints->ai_socktype != 0 && hints->ai_socktype != SOCK_STREAM && hints->ai_socktype != SOCK_DGRAM &&
        hints->ai_socktype != SOCK_RAW)
        return EAI_SOCKTYPE;
    if (hints->ai_family != AF_UNSPEC && hints->ai_family != AF_INET && hints->ai_family != AF_INET6)
        return EAI_FAMILY;
    int error = service_ports(service, hints, &ports);
    if (error != 0)
        return error;
    struct resolved *found = calloc(RESOLVE_MOST, sizeof(*found));
    if (found == NULL)
        return EAI_MEMORY;
    *result = NULL;
    error = look_up(host, hints, found, &count, &scope);
    if (error == 0)
        error = make_list(found, count, scope, &ports, hints, result);
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
    char name[NI_MAXSERV];
    bool named =
        (flags & NI_NUMERICSERV) == 0 && service_find(NULL, (flags & NI_DGRAM) != 0 ? "udp" : "tcp", &port, name, sizeof(name));
    int length = named ? snprintf(service, size, "%s", name) : snprintf(service, size, "%u", port);
    return length < (int)size ? 0 : EAI_OVERFLOW;
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
