// See configuration.h.
#include "programs/ip/configuration.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "programs/common/network.h"

enum { LINE_BYTES = 256, WORDS_MAX = 8, LEAST_MTU = 576, MOST_MTU = 1500 };

struct line {
    char text[LINE_BYTES];
    char *words[WORDS_MAX];
    size_t count;
};

static bool wrong(struct configuration *configuration, const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool wrong(struct configuration *configuration, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(configuration->reason, sizeof(configuration->reason), format, arguments);
    va_end(arguments);
    return false;
}

// Cuts into words what stands before a `#`.
static bool line_split(struct configuration *configuration, const char *text, size_t length, struct line *line) {
    char *rest = line->text, *word;
    if (length >= sizeof(line->text))
        return wrong(configuration, "the line is longer than %d bytes", LINE_BYTES - 1);
    memcpy(line->text, text, length);
    line->text[length] = '\0';
    line->text[strcspn(line->text, "#\r")] = '\0';
    line->count = 0;
    while ((word = strtok_r(rest, " \t", &rest)) != NULL) {
        if (line->count == WORDS_MAX)
            return wrong(configuration, "too many words");
        line->words[line->count++] = word;
    }
    return true;
}

static bool number_read(const char *word, unsigned long least, unsigned long most, uint32_t *number) {
    char *end;
    unsigned long value = strtoul(word, &end, 10);
    *number = (uint32_t)value;
    return word[0] >= '0' && word[0] <= '9' && *end == '\0' && value >= least && value <= most;
}

static struct net_setting *setting_add(struct configuration *configuration, const uint8_t interface[16], uint32_t kind) {
    if (configuration->count == CONFIGURATION_SETTINGS_MAX) {
        wrong(configuration, "more than %d settings", (int)CONFIGURATION_SETTINGS_MAX);
        return NULL;
    }
    struct net_setting *setting = &configuration->settings[configuration->count++];
    *setting = (struct net_setting){.kind = kind};
    memcpy(setting->interface, interface, sizeof(setting->interface));
    return setting;
}

static bool interface_begin(struct configuration *configuration, const struct line *line, struct net_setting **interface) {
    uint8_t name[16] = {0};
    size_t length = line->count == 2 ? strlen(line->words[1]) : 0;
    if (length == 0)
        return wrong(configuration, "`interface NAME` is wanted");
    if (length >= 8)
        return wrong(configuration, "no interface has a name as long as %s", line->words[1]);
    memcpy(name, line->words[1], length);
    for (size_t i = 0; i < configuration->count; i++)
        if (memcmp(configuration->settings[i].interface, name, sizeof(name)) == 0)
            return wrong(configuration, "%s was configured above", line->words[1]);
    *interface = setting_add(configuration, name, NET_SETTING_KIND_INTERFACE);
    return *interface != NULL;
}

static bool address_read(struct configuration *configuration, const struct line *line, struct net_setting *interface) {
    uint8_t address[16];
    uint32_t bits;
    if (line->count != 2 || strchr(line->words[1], '/') == NULL || !network_prefix_parse(line->words[1], address, &bits))
        return wrong(configuration, "`address ADDRESS/BITS` is wanted, as 192.0.2.7/24");
    if (network_is_zero(address) || address[0] == 0xff || (network_is_ipv4(address) && address[12] >= 224))
        return wrong(configuration, "no interface can have the address %s", line->words[1]);
    struct net_setting *setting = setting_add(configuration, interface->interface, NET_SETTING_KIND_ADDRESS);
    if (setting == NULL)
        return false;
    memcpy(setting->address, address, sizeof(address));
    setting->bits = bits;
    return true;
}

static bool route_read(struct configuration *configuration, const struct line *line, struct net_setting *interface) {
    struct net_setting route = {.kind = NET_SETTING_KIND_ROUTE};
    if (line->count < 2 || line->count % 2 != 0 || !network_prefix_parse(line->words[1], route.address, &route.bits))
        return wrong(configuration, "`route {PREFIX/BITS | default} [via ROUTER] [metric NUMBER]` is wanted");
    for (size_t i = 2; i < line->count; i += 2) {
        const char *what = line->words[i], *value = line->words[i + 1];
        if (strcmp(what, "via") == 0) {
            if (!network_address_parse(value, route.gateway) || network_is_zero(route.gateway))
                return wrong(configuration, "%s is no address of a router", value);
        } else if (strcmp(what, "metric") != 0) {
            return wrong(configuration, "a route has no `%s`", what);
        } else if (!number_read(value, 0, 65535, &route.metric)) {
            return wrong(configuration, "a metric is a number up to 65535");
        }
    }
    bool has_router = !network_is_zero(route.gateway);
    if (has_router && strcmp(line->words[1], "default") == 0 && !network_is_ipv4(route.gateway))
        memset(route.address, 0, sizeof(route.address)); // of the router's family
    if (has_router && network_is_ipv4(route.gateway) != network_is_ipv4(route.address))
        return wrong(configuration, "prefix and router are of different families");
    struct net_setting *setting = setting_add(configuration, interface->interface, NET_SETTING_KIND_ROUTE);
    if (setting == NULL)
        return false;
    memcpy(route.interface, interface->interface, sizeof(route.interface));
    *setting = route;
    return true;
}

static bool name_server_read(struct configuration *configuration, const struct line *line, struct net_setting *interface) {
    uint8_t address[16];
    if (line->count != 2 || !network_address_parse(line->words[1], address) || network_is_zero(address))
        return wrong(configuration, "`name-server ADDRESS` is wanted");
    struct net_setting *setting = setting_add(configuration, interface->interface, NET_SETTING_KIND_NAME_SERVER);
    if (setting == NULL)
        return false;
    memcpy(setting->address, address, sizeof(address));
    return true;
}

// Words that stand alone.
static bool switch_read(struct configuration *configuration, const struct line *line, struct net_setting *interface) {
    const char *word = line->words[0];
    if (strcmp(word, "dhcp") != 0 && strcmp(word, "down") != 0)
        return wrong(configuration, "there is no setting `%s`", word);
    if (line->count != 1)
        return wrong(configuration, "`%s` stands alone", word);
    interface->flags |= word[1] == 'h' ? NET_SETTING_FLAG_DHCP : NET_SETTING_FLAG_DOWN;
    return true;
}

static bool autoconfigure_read(struct configuration *configuration, const struct line *line, struct net_setting *interface) {
    bool off = line->count == 2 && strcmp(line->words[1], "off") == 0;
    if (!off && (line->count != 2 || strcmp(line->words[1], "on") != 0))
        return wrong(configuration, "`autoconfigure on` or `autoconfigure off` is wanted");
    interface->flags |= off ? NET_SETTING_FLAG_NO_AUTOCONFIGURE : 0u;
    return true;
}

static bool mtu_read(struct configuration *configuration, const struct line *line, struct net_setting *interface) {
    if (line->count != 2 || !number_read(line->words[1], LEAST_MTU, MOST_MTU, &interface->mtu))
        return wrong(configuration, "`mtu BYTES` is wanted, %d to %d", LEAST_MTU, MOST_MTU);
    return true;
}

static bool line_read(struct configuration *configuration, const struct line *line, struct net_setting **interface) {
    static const struct {
        const char *word;
        bool (*read)(struct configuration *configuration, const struct line *line, struct net_setting *interface);
    } readers[] = {{"address", address_read},
                   {"route", route_read},
                   {"name-server", name_server_read},
                   {"autoconfigure", autoconfigure_read},
                   {"mtu", mtu_read}};
    if (line->count == 0)
        return true;
    if (strcmp(line->words[0], "interface") == 0)
        return interface_begin(configuration, line, interface);
    if (*interface == NULL)
        return wrong(configuration, "`interface NAME` must come before `%s`", line->words[0]);
    for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]); i++)
        if (strcmp(line->words[0], readers[i].word) == 0)
            return readers[i].read(configuration, line, *interface);
    return switch_read(configuration, line, *interface);
}

bool configuration_parse(const char *text, struct configuration *configuration) {
    struct net_setting *interface = NULL;
    struct line line;
    configuration->count = 0;
    for (configuration->line = 1; *text != '\0'; configuration->line++) {
        size_t length = strcspn(text, "\n");
        if (!line_split(configuration, text, length, &line) || !line_read(configuration, &line, &interface))
            return false;
        text += length;
        text += *text != '\0';
    }
    return true;
}
