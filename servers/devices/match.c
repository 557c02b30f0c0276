// Which role may have which device: rules from the manifest, as init hands them over in arguments. A role is
// known by the badge of its session, which init makes from its name.
#include "servers/devices/state.h"

#include <stddef.h>

#include "libipc/include/startup.h"

// Skips `prefix`; NULL if the text does not begin with it.
static const char *after(const char *text, const char *prefix) {
    for (; *prefix != '\0'; prefix++, text++)
        if (*text != *prefix)
            return NULL;
    return text;
}

// Copies up to `end` (or the text's end); NULL if that is nothing or too long.
static const char *take_name(const char *text, char end, char name[ROLE_NAME_BYTES]) {
    uint32_t length = 0;
    for (; *text != end && *text != '\0'; text++) {
        if (length + 1 == ROLE_NAME_BYTES)
            return NULL;
        name[length++] = *text;
    }
    name[length] = '\0';
    return length != 0 ? text : NULL;
}

// Hexadecimal digits, at most eight; returns how many.
static uint32_t take_hex(const char **text, uint32_t *value) {
    uint32_t digits = 0;
    *value = 0;
    for (; digits < 8; digits++, (*text)++) {
        char c = **text;
        uint32_t digit = c >= '0' && c <= '9'   ? (uint32_t)(c - '0')
                         : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a' + 10)
                         : c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A' + 10)
                                                : 16;
        if (digit == 16)
            break;
        *value = *value << 4 | digit;
    }
    return digits;
}

static bool parse_class(const char *text, struct match_rule *rule) {
    uint32_t digits = take_hex(&text, &rule->class);
    if (*text != '\0' || (digits != 2 && digits != 4 && digits != 6))
        return false;
    rule->class <<= 24 - 4 * digits;
    rule->class_mask = UINT32_C(0xffffff) << (24 - 4 * digits) & 0xffffff;
    return true;
}

static bool parse_identity(const char *text, struct match_rule *rule) {
    uint32_t vendor, product;
    if (take_hex(&text, &vendor) != 4 || *text++ != ':' || take_hex(&text, &product) != 4 || *text != '\0')
        return false;
    rule->identity = vendor << 16 | product;
    rule->identity_mask = 0xffffffff;
    return true;
}

error_t match_add(const char *argument) {
    struct match_rule rule = {0};
    const char *text = after(argument, "match="), *value;
    if (text == NULL || (text = take_name(text, ':', rule.role)) == NULL || *text++ != ':')
        return ERR_INVALID;
    bool good;
    if ((value = after(text, "class=")) != NULL)
        good = parse_class(value, &rule);
    else if ((value = after(text, "id=")) != NULL)
        good = parse_identity(value, &rule);
    else if ((value = after(text, "platform=")) != NULL)
        good = take_name(value, '\0', rule.platform) != NULL;
    else
        good = false;
    if (!good)
        return ERR_INVALID;
    if (devices.rule_count == ROLES_MOST)
        return ERR_NO_SPACE;
    rule.badge = startup_badge(rule.role);
    devices.rules[devices.rule_count++] = rule;
    return ERR_OK;
}

static bool same_name(const char *a, const uint8_t *b) {
    uint32_t i = 0;
    while (a[i] != '\0' && (uint8_t)a[i] == b[i])
        i++;
    return a[i] == '\0' && b[i] == 0;
}

static bool rule_fits(const struct match_rule *rule, const struct device_information *information) {
    if (rule->platform[0] != '\0')
        return information->bus == BUS_KIND_PLATFORM && same_name(rule->platform, information->name);
    if (information->bus != BUS_KIND_PCI)
        return false;
    uint32_t class = (uint32_t)information->class << 16 | (uint32_t)information->subclass << 8 | information->interface;
    uint32_t identity = (uint32_t)information->vendor << 16 | information->device;
    return ((class ^ rule->class) & rule->class_mask) == 0 && ((identity ^ rule->identity) & rule->identity_mask) == 0;
}

const struct match_rule *match_device(const struct device_information *information) {
    for (uint32_t i = 0; i < devices.rule_count; i++)
        if (rule_fits(&devices.rules[i], information))
            return &devices.rules[i];
    return NULL;
}

bool match_role(uint64_t badge, char name[ROLE_NAME_BYTES]) {
    for (uint32_t i = 0; i < devices.rule_count; i++) {
        if (devices.rules[i].badge != badge)
            continue;
        __builtin_memcpy(name, devices.rules[i].role, ROLE_NAME_BYTES);
        return true;
    }
    return false;
}
