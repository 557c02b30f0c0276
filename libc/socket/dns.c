// See dns.h. Section numbers are of RFC 1035.
#include "libc/socket/dns.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { HEADER_BYTES = 12, LABEL_MAX = 63, CHAIN_MAX = 8, POINTERS_MAX = 32, CLASS_INTERNET = 1 };

static unsigned load16(const uint8_t *at) {
    return (unsigned)(at[0] << 8 | at[1]);
}

static uint32_t load32(const uint8_t *at) {
    return (uint32_t)load16(at) << 16 | load16(at + 2);
}

// Section 3.1. Bytes written; 0: it is no name.
static size_t put_name(uint8_t *at, const char *name) {
    size_t length = 0;
    while (*name != '\0') {
        size_t label = strcspn(name, ".");
        if (label == 0 || label > LABEL_MAX || length + label + 2 > 255)
            return 0;
        at[length++] = (uint8_t)label;
        memcpy(at + length, name, label);
        length += label;
        name += label;
        if (*name == '.')
            name++;
    }
    at[length++] = 0;
    return length;
}

size_t dns_question(uint8_t *message, size_t room, uint16_t identifier, const char *name, uint16_t type) {
    if (room < 512)
        return 0;
    memset(message, 0, HEADER_BYTES);
    message[0] = (uint8_t)(identifier >> 8);
    message[1] = (uint8_t)identifier;
    message[2] = 1; // recursion desired
    message[5] = 1; // one question
    size_t length = put_name(message + HEADER_BYTES, name);
    if (length == 0)
        return 0;
    uint8_t *rest = message + HEADER_BYTES + length;
    rest[0] = (uint8_t)(type >> 8);
    rest[1] = (uint8_t)type;
    rest[2] = 0;
    rest[3] = CLASS_INTERNET;
    return HEADER_BYTES + length + 4;
}

// Section 4.1.4: a name at *place, with pointers, which only lead backwards. False: it is not sound.
static bool get_name(const uint8_t *message, size_t length, size_t *place, char *name) {
    size_t at = *place, written = 0;
    bool jumped = false;
    for (int pointers = 0;;) {
        if (at >= length)
            return false;
        unsigned label = message[at];
        if ((label & 0xc0) == 0xc0) {
            if (at + 2 > length || ++pointers > POINTERS_MAX)
                return false;
            size_t target = load16(message + at) & 0x3fff;
            if (target >= at)
                return false;
            if (!jumped)
                *place = at + 2;
            jumped = true;
            at = target;
            continue;
        }
        if (label > LABEL_MAX || at + 1 + label > length || written + label + 2 > DNS_NAME_BYTES)
            return false;
        at++;
        if (label == 0)
            break;
        if (written != 0)
            name[written++] = '.';
        for (unsigned i = 0; i < label; i++) {
            char c = (char)message[at + i];
            if (c <= ' ' || c == '.' || c == 0x7f)
                return false; // such a name would not be what it looks like
            name[written++] = c;
        }
        at += label;
    }
    name[written] = '\0';
    if (!jumped)
        *place = at;
    return true;
}

static bool same_name(const char *a, const char *b) {
    size_t length_a = strlen(a), length_b = strlen(b);
    length_a -= length_a != 0 && a[length_a - 1] == '.';
    length_b -= length_b != 0 && b[length_b - 1] == '.';
    return length_a == length_b && strncasecmp(a, b, length_a) == 0;
}

struct record {
    char owner[DNS_NAME_BYTES];
    unsigned type;
    uint32_t seconds;
    size_t data, length;
};

static bool get_record(const uint8_t *message, size_t length, size_t *place, struct record *record) {
    if (!get_name(message, length, place, record->owner) || *place + 10 > length)
        return false;
    const uint8_t *fixed = message + *place;
    record->type = load16(fixed + 2) == CLASS_INTERNET ? load16(fixed) : 0;
    record->seconds = load32(fixed + 4);
    record->length = load16(fixed + 8);
    record->data = *place + 10;
    *place = record->data + record->length;
    return *place <= length;
}

// The records of type `type` that belong to `name`; *alias gets what a CNAME leads to.
static int collect(const uint8_t *message, size_t length, size_t first, unsigned count, const char *name, uint16_t type,
                   struct dns_answer *answers, size_t most, char *alias) {
    struct record record;
    size_t place = first, found = 0;
    alias[0] = '\0';
    for (unsigned i = 0; i < count; i++) {
        if (!get_record(message, length, &place, &record))
            return -1;
        if (!same_name(record.owner, name))
            continue;
        size_t data = record.data;
        if (record.type == DNS_TYPE_CNAME && type != DNS_TYPE_CNAME) {
            if (!get_name(message, length, &data, alias))
                return -1;
            continue;
        }
        size_t wanted = type == DNS_TYPE_A ? 4 : 16;
        if (record.type != type || found == most)
            continue;
        struct dns_answer *answer = &answers[found];
        memset(answer, 0, sizeof(*answer));
        answer->seconds = record.seconds;
        if (type == DNS_TYPE_PTR || type == DNS_TYPE_CNAME) {
            if (!get_name(message, length, &data, answer->name))
                return -1;
        } else {
            if (record.length != wanted)
                return -1;
            memcpy(answer->address, message + data, wanted);
            snprintf(answer->name, sizeof(answer->name), "%s", name);
        }
        found++;
    }
    return (int)found;
}

int dns_answers(const uint8_t *message, size_t length, uint16_t identifier, const char *name, uint16_t type,
                struct dns_answer *answers, size_t most, int *code, bool *cut) {
    char owner[DNS_NAME_BYTES], alias[DNS_NAME_BYTES];
    size_t place = HEADER_BYTES;
    if (length < HEADER_BYTES || load16(message) != identifier || (message[2] & 0xf8) != 0x80 || load16(message + 4) != 1 ||
        !get_name(message, length, &place, owner) || place + 4 > length || !same_name(owner, name) ||
        load16(message + place) != type || load16(message + place + 2) != CLASS_INTERNET)
        return -1;
    *code = message[3] & 0xf;
    *cut = (message[2] & 2) != 0;
    place += 4;
    for (int step = 0; step < CHAIN_MAX; step++) {
        int found = collect(message, length, place, load16(message + 6), owner, type, answers, most, alias);
        if (found != 0 || alias[0] == '\0')
            return found;
        snprintf(owner, sizeof(owner), "%s", alias);
    }
    return 0;
}
