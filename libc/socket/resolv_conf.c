// See resolv_conf.h. Lines: `nameserver ADDRESS` (or `[ADDRESS]:PORT`), up to three; `search DOMAIN...` or `domain DOMAIN`, the
// last one counts; `options timeout:SECONDS attempts:NUMBER ndots:NUMBER`. Pure; for host tests as well.
#include "libc/socket/resolv_conf.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { PORT = 53, PATIENCE = 2000, ATTEMPTS = 3, DOTS = 1, TIMEOUT_MOST = 30, ATTEMPTS_MOST = 5, DOTS_MOST = 15 };

void resolv_conf_start(struct resolv_conf *conf) {
    memset(conf, 0, sizeof(*conf));
    conf->servers.patience = PATIENCE;
    conf->servers.attempts = ATTEMPTS;
    conf->dots = DOTS;
}

void resolv_conf_add(struct resolv_conf *conf, const uint8_t *address, uint16_t port) {
    struct resolver_servers *servers = &conf->servers;
    if (servers->count == sizeof(servers->ports) / sizeof(servers->ports[0]))
        return;
    memcpy(servers->addresses + 16 * (size_t)servers->count, address, 16);
    servers->ports[servers->count++] = port;
}

void resolv_conf_search(struct resolv_conf *conf, const char *domains) {
    char *rest = conf->text, *domain;
    snprintf(conf->text, sizeof(conf->text), "%s", domains);
    conf->search_count = 0;
    while (conf->search_count < SEARCH_MAX && (domain = strtok_r(rest, " \t", &rest)) != NULL)
        conf->search[conf->search_count++] = domain;
}

static void read_server(struct resolv_conf *conf, char *text) {
    uint8_t address[16] = {[10] = 0xff, [11] = 0xff};
    unsigned long port = PORT;
    char *close = *text == '[' ? strchr(text, ']') : NULL;
    if (close != NULL) {
        char *end = close + 1;
        if (close[1] == ':')
            port = strtoul(close + 2, &end, 10);
        if (*end != '\0' || port == 0 || port > UINT16_MAX)
            return;
        *close = '\0';
        text++;
    }
    if (inet_pton(AF_INET, text, address + 12) == 1 || inet_pton(AF_INET6, text, address) == 1)
        resolv_conf_add(conf, address, (uint16_t)port);
}

static void read_option(struct resolv_conf *conf, const char *option) {
    static const struct {
        const char *name;
        unsigned long least, most;
    } options[] = {{"timeout:", 1, TIMEOUT_MOST}, {"attempts:", 1, ATTEMPTS_MOST}, {"ndots:", 0, DOTS_MOST}};
    for (size_t i = 0; i < 3; i++) {
        size_t length = strlen(options[i].name);
        char *end;
        if (strncmp(option, options[i].name, length) != 0)
            continue;
        unsigned long value = strtoul(option + length, &end, 10);
        if (end == option + length || *end != '\0')
            return;
        value = value < options[i].least ? options[i].least : value > options[i].most ? options[i].most : value;
        if (i == 0)
            conf->servers.patience = (uint32_t)value * 1000;
        else if (i == 1)
            conf->servers.attempts = (uint32_t)value;
        else
            conf->dots = (unsigned)value;
    }
}

void resolv_conf_line(struct resolv_conf *conf, char *line) {
    char *rest = line, *word;
    line[strcspn(line, "#;\r\n")] = '\0';
    const char *keyword = strtok_r(rest, " \t", &rest);
    if (keyword == NULL)
        return;
    if (strcmp(keyword, "search") == 0 || strcmp(keyword, "domain") == 0) {
        resolv_conf_search(conf, rest != NULL ? rest : "");
    } else if (strcmp(keyword, "nameserver") == 0 && (word = strtok_r(rest, " \t", &rest)) != NULL) {
        read_server(conf, word);
    } else if (strcmp(keyword, "options") == 0) {
        while ((word = strtok_r(rest, " \t", &rest)) != NULL)
            read_option(conf, word);
    }
}
