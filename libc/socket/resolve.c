// See resolve.h. Names are those of /etc/hosts; then the resolver asks the name servers of /etc/resolv.conf, or those that DHCP
// told.
#include "libc/socket/resolve.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "libc/internal/system.h"
#include "libc/socket/looked_up.h"
#include "libc/socket/resolv_conf.h"

enum { PORT = 53, NAME_ERROR = 3 };

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
static void read_configuration(struct resolv_conf *conf) {
    FILE *file = fopen("/etc/resolv.conf", "r");
    char line[512];
    resolv_conf_start(conf);
    while (file != NULL && fgets(line, sizeof(line), file) != NULL)
        resolv_conf_line(conf, line);
    if (file != NULL)
        fclose(file);
    uint8_t told[3][16];
    char domain[64];
    size_t count;
    if (conf->servers.count != 0 || system_name_servers(told, 3, &count, domain) != ERR_OK)
        return;
    for (size_t i = 0; i < count; i++)
        resolv_conf_add(conf, told[i], PORT);
    if (conf->search_count == 0)
        resolv_conf_search(conf, domain);
}

// 0, with or without records, or EAI_...
static int ask(const struct resolv_conf *conf, const char *name, uint64_t type, struct looked_up *answer) {
    if (conf->servers.count == 0)
        return EAI_NOSERVER;
    switch (system_look_up(&conf->servers, type, name, answer)) {
    case ERR_OK:
        return answer->code == 0 ? 0 : answer->code == NAME_ERROR ? EAI_NONAME : EAI_FAIL;
    case ERR_INVALID:
        return EAI_NONAME;
    case ERR_DEADLINE:
        return EAI_AGAIN;
    case ERR_NO_MEMORY:
        return EAI_MEMORY;
    default:
        return EAI_SYSTEM;
    }
}

// Addresses of one full name.
static int ask_both(const struct resolv_conf *conf, const char *name, int family, struct resolved *found, size_t most,
                    size_t *count) {
    static const struct {
        int family;
        uint64_t type;
    } kinds[] = {{AF_INET, RESOLVER_TYPE_A}, {AF_INET6, RESOLVER_TYPE_AAAA}};
    struct looked_up answer;
    int result = EAI_NONAME;
    for (size_t i = 0; i < 2; i++) {
        if (family != AF_UNSPEC && family != kinds[i].family)
            continue;
        int error = ask(conf, name, kinds[i].type, &answer);
        if (error != 0) { // the other question would tell the same
            result = *count != 0 ? 0 : error;
            break;
        }
        for (uint64_t j = 0; j < answer.count && *count < most; j++) {
            struct resolved *place = &found[(*count)++];
            place->family = kinds[i].family;
            memcpy(place->address, answer.addresses[j], 16);
            memcpy(place->name, answer.name, sizeof(place->name));
            result = 0;
        }
    }
    return result;
}

// The name as it is, and behind it each of the domains to search; which is first, its dots decide.
static int search_domains(const struct resolv_conf *conf, const char *name, int family, struct resolved *found, size_t most,
                          size_t *count) {
    char full[RESOLVE_NAME_BYTES];
    size_t length = strlen(name);
    unsigned dots = 0;
    for (const char *at = name; *at != '\0'; at++)
        dots += *at == '.';
    bool whole = length != 0 && name[length - 1] == '.', first = whole || dots >= conf->dots;
    int result = first ? ask_both(conf, name, family, found, most, count) : EAI_NONAME;
    for (size_t i = 0; i < conf->search_count && result == EAI_NONAME && !whole; i++)
        if (snprintf(full, sizeof(full), "%s.%s", name, conf->search[i]) < (int)sizeof(full))
            result = ask_both(conf, full, family, found, most, count);
    return result == EAI_NONAME && !first ? ask_both(conf, name, family, found, most, count) : result;
}

int resolve_host(const char *name, int family, struct resolved *found, size_t most, size_t *count) {
    struct hosts_search search = {.name = name, .family = family, .found = found, .most = most};
    struct resolv_conf conf;
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
    read_configuration(&conf);
    return search_domains(&conf, name, family, found, most, count);
}

int resolve_address(int family, const uint8_t *address, char *name, size_t size) {
    struct resolved found;
    struct hosts_search search = {.family = family, .address = address, .found = &found};
    struct resolv_conf conf;
    struct looked_up answer;
    char question[80] = "";
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
    read_configuration(&conf);
    int error = ask(&conf, question, RESOLVER_TYPE_PTR, &answer);
    if (error == 0 && answer.count != 0)
        snprintf(name, size, "%s", answer.name);
    else if (error == 0)
        error = EAI_NONAME;
    return error;
}
