// Addresses as text: RFC 4291 section 2.2 to read IPv6, RFC 5952 to write it.
#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libc/internal/result.h"

const struct in6_addr in6addr_any = IN6ADDR_ANY_INIT, in6addr_loopback = IN6ADDR_LOOPBACK_INIT;

static int digit_of(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// Exactly four decimal parts without leading zeros.
static bool read_v4(const char *text, uint8_t bytes[4]) {
    for (int part = 0; part < 4; part++) {
        unsigned value = 0, digits = 0;
        for (; *text >= '0' && *text <= '9'; text++, digits++) {
            value = value * 10 + (unsigned)(*text - '0');
            if (value > 255 || (digits == 1 && value < 10))
                return false;
        }
        if (digits == 0 || *text != (part < 3 ? '.' : '\0'))
            return false;
        bytes[part] = (uint8_t)value;
        text++;
    }
    return true;
}

static bool read_v6(const char *text, uint8_t bytes[16]) {
    uint8_t made[16] = {0};
    int at = 0, gap = -1;
    if (text[0] == ':' && *++text != ':')
        return false;
    while (*text != '\0') {
        if (*text == ':') { // the second of two
            if (gap >= 0)
                return false;
            gap = at;
            text++;
            continue;
        }
        if (at == 16)
            return false;
        const char *start = text;
        unsigned value = 0, digits = 0;
        for (; digit_of(*text) >= 0; text++, digits++)
            value = value << 4 | (unsigned)digit_of(*text);
        if (*text == '.') {
            if (at > 12 || !read_v4(start, made + at))
                return false;
            at += 4;
            break;
        }
        if (digits == 0 || digits > 4 || (*text != ':' && *text != '\0'))
            return false;
        made[at++] = (uint8_t)(value >> 8);
        made[at++] = (uint8_t)value;
        if (*text == ':' && *++text == '\0')
            return false;
    }
    if (gap >= 0) {
        if (at == 16)
            return false;
        memmove(made + 16 - (at - gap), made + gap, (size_t)(at - gap));
        memset(made + gap, 0, (size_t)(16 - at));
    } else if (at != 16) {
        return false;
    }
    memcpy(bytes, made, 16);
    return true;
}

int inet_pton(int family, const char *restrict text, void *restrict address) {
    uint8_t bytes[4];
    if (family == AF_INET6)
        return read_v6(text, address);
    if (family != AF_INET)
        return result_of(-EAFNOSUPPORT);
    if (!read_v4(text, bytes))
        return 0;
    memcpy(address, bytes, 4);
    return 1;
}

static void write_v6(const uint8_t *bytes, char *text) {
    int best = -1, best_length = 1; // a run of one group is written out
    for (int i = 0; i < 8; i++) {
        int length = 0;
        while (i + length < 8 && bytes[2 * (i + length)] == 0 && bytes[2 * (i + length) + 1] == 0)
            length++;
        if (length > best_length) {
            best = i;
            best_length = length;
        }
    }
    bool mapped = best == 0 && best_length == 5 && bytes[10] == 0xff && bytes[11] == 0xff;
    for (int i = 0; i < 8; i++) {
        if (i == best) {
            text += sprintf(text, "::");
            i += best_length - 1;
            continue;
        }
        if (i != 0 && i != best + best_length)
            text += sprintf(text, ":");
        if (mapped && i == 6) {
            sprintf(text, "%u.%u.%u.%u", bytes[12], bytes[13], bytes[14], bytes[15]);
            return;
        }
        text += sprintf(text, "%x", (unsigned)(bytes[2 * i] << 8 | bytes[2 * i + 1]));
    }
}

const char *inet_ntop(int family, const void *restrict address, char *restrict text, socklen_t size) {
    char made[INET6_ADDRSTRLEN];
    const uint8_t *bytes = address;
    if (family == AF_INET) {
        sprintf(made, "%u.%u.%u.%u", bytes[0], bytes[1], bytes[2], bytes[3]);
    } else if (family == AF_INET6) {
        write_v6(bytes, made);
    } else {
        errno = EAFNOSUPPORT;
        return NULL;
    }
    if (strlen(made) >= size) {
        errno = ENOSPC;
        return NULL;
    }
    return strcpy(text, made);
}

int inet_aton(const char *text, struct in_addr *address) {
    uint32_t parts[4];
    int count = 0;
    for (;;) {
        char *end;
        if (*text < '0' || *text > '9' || count == 4)
            return 0;
        unsigned long value = strtoul(text, &end, 0);
        if (value > UINT32_MAX)
            return 0;
        parts[count++] = (uint32_t)value;
        if (*end != '.') {
            if (*end != '\0')
                return 0;
            break;
        }
        text = end + 1;
    }
    uint32_t value = parts[count - 1];
    if (count > 1 && value >> (8 * (5 - count)) != 0)
        return 0;
    for (int i = 0; i < count - 1; i++) {
        if (parts[i] > 255)
            return 0;
        value |= parts[i] << (24 - 8 * i);
    }
    address->s_addr = htonl(value);
    return 1;
}

in_addr_t inet_addr(const char *text) {
    struct in_addr address;
    return inet_aton(text, &address) != 0 ? address.s_addr : INADDR_NONE;
}

char *inet_ntoa(struct in_addr address) {
    static char text[INET_ADDRSTRLEN];
    inet_ntop(AF_INET, &address, text, sizeof(text));
    return text;
}
