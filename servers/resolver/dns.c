// See dns.h. Section numbers are of RFC 1035.
#include "servers/resolver/dns.h"

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

// RFC 2181 section 8: a time to live with the highest bit set is none.
static void keep_at_most(struct dns_answer *answer, uint32_t seconds) {
    seconds = seconds > INT32_MAX ? 0 : seconds;
    answer->seconds = seconds < answer->seconds ? seconds : answer->seconds;
}

// What a record says of the name that it belongs to. False: it is not sound.
static bool take_record(const uint8_t *message, size_t length, const struct record *record, struct dns_answer *answer) {
    size_t data = record->data, wanted = record->type == DNS_TYPE_A ? 4 : 16;
    keep_at_most(answer, record->seconds);
    if (record->type == DNS_TYPE_PTR || record->type == DNS_TYPE_CNAME) {
        answer->found = true;
        return get_name(message, length, &data, answer->name);
    }
    if (record->length != wanted)
        return false;
    answer->found = true;
    if (answer->count < DNS_ADDRESSES_MAX)
        memcpy(answer->addresses[answer->count++], message + data, wanted);
    return true;
}

// The records of type `type` that belong to `answer->name`; *alias gets what a CNAME leads to. *place: behind them all.
static bool collect(const uint8_t *message, size_t length, size_t *place, unsigned count, uint16_t type,
                    struct dns_answer *answer, char *alias) {
    struct record record;
    char owner[DNS_NAME_BYTES];
    alias[0] = '\0';
    snprintf(owner, sizeof(owner), "%s", answer->name);
    for (unsigned i = 0; i < count; i++) {
        if (!get_record(message, length, place, &record))
            return false;
        if (!same_name(record.owner, owner))
            continue;
        size_t data = record.data;
        if (record.type == DNS_TYPE_CNAME && type != DNS_TYPE_CNAME) {
            keep_at_most(answer, record.seconds);
            if (!get_name(message, length, &data, alias))
                return false;
        } else if (record.type == type && !(answer->found && answer->count == 0)) { // of PTRs the first
            if (!take_record(message, length, &record, answer))
                return false;
        }
    }
    return true;
}

static bool is_below(const char *name, const char *zone) {
    size_t length = strlen(name), tail = strlen(zone);
    return tail == 0 ||
           (length >= tail && strcasecmp(name + length - tail, zone) == 0 && (length == tail || name[length - tail - 1] == '.'));
}

// RFC 2308 section 5: how long it may be kept that there is nothing, by the SOA in the section of authorities; without one not at
// all.
static uint32_t negative_seconds(const uint8_t *message, size_t length, size_t place, unsigned count, const char *name) {
    struct record record;
    char skipped[DNS_NAME_BYTES];
    for (unsigned i = 0; i < count && get_record(message, length, &place, &record); i++) {
        size_t at = record.data;
        if (record.type != DNS_TYPE_SOA || !is_below(name, record.owner) || !get_name(message, length, &at, skipped) ||
            !get_name(message, length, &at, skipped) || at + 20 > record.data + record.length)
            continue;
        uint32_t minimum = load32(message + at + 16), seconds = record.seconds;
        return minimum > INT32_MAX || seconds > INT32_MAX ? 0 : minimum < seconds ? minimum : seconds;
    }
    return 0;
}

bool dns_answer_read(const uint8_t *message, size_t length, uint16_t identifier, const char *name, uint16_t type,
                     struct dns_answer *answer) {
    char alias[DNS_NAME_BYTES];
    size_t place = HEADER_BYTES;
    memset(answer, 0, sizeof(*answer));
    if (length < HEADER_BYTES || load16(message) != identifier || (message[2] & 0xf8) != 0x80 || load16(message + 4) != 1 ||
        !get_name(message, length, &place, answer->name) || place + 4 > length || !same_name(answer->name, name) ||
        load16(message + place) != type || load16(message + place + 2) != CLASS_INTERNET)
        return false;
    answer->code = message[3] & 0xf;
    answer->cut = (message[2] & 2) != 0;
    answer->seconds = UINT32_MAX;
    size_t first = place + 4, behind = first;
    for (int step = 0; step < CHAIN_MAX; step++) {
        behind = first;
        if (!collect(message, length, &behind, load16(message + 6), type, answer, alias))
            return false;
        if (answer->found)
            return true;
        if (alias[0] == '\0')
            break;
        snprintf(answer->name, sizeof(answer->name), "%s", alias);
    }
    keep_at_most(answer, negative_seconds(message, length, behind, load16(message + 8), answer->name));
    return true;
}
