// Messages of the domain name system by hand (servers/resolver/dns.c): chains of CNAMEs, compression, answers that are not to the
// question, cut messages. Section numbers are of RFC 1035.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "servers/resolver/dns.h"

#define CHECK(condition)                                                                                                         \
    do {                                                                                                                         \
        if (!(condition)) {                                                                                                      \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                                                      \
            abort();                                                                                                             \
        }                                                                                                                        \
    } while (0)

static uint8_t message[1024];
static size_t length;
static struct dns_answer answer;

static void begin(const char *name, uint16_t type, int count) {
    length = dns_question(message, sizeof(message), 0x1234, name, type);
    CHECK(length != 0);
    message[2] |= 0x80;
    message[7] = (uint8_t)count;
}

static uint8_t seconds = 60;

static void add(const void *owner, size_t owner_length, uint16_t type, const void *data, size_t data_length) {
    uint8_t fixed[10] = {(uint8_t)(type >> 8), (uint8_t)type, 0, 1, 0, 0, 0, seconds, 0, (uint8_t)data_length};
    memcpy(message + length, owner, owner_length);
    memcpy(message + length + owner_length, fixed, sizeof(fixed));
    memcpy(message + length + owner_length + sizeof(fixed), data, data_length);
    length += owner_length + sizeof(fixed) + data_length;
}

// On a copy of exactly this size, so that the sanitizer sees a byte too many.
static int read_answers(const char *name, uint16_t type, size_t bytes) {
    uint8_t *copy = malloc(bytes != 0 ? bytes : 1);
    memcpy(copy, message, bytes);
    bool is = dns_answer_read(copy, bytes, 0x1234, name, type, &answer);
    free(copy);
    return !is ? -1 : answer.count != 0 ? (int)answer.count : answer.found;
}

static void test_questions(void) {
    uint8_t room[512];
    char longest[300];
    memset(longest, 'a', sizeof(longest));
    longest[64] = '\0';
    CHECK(dns_question(room, sizeof(room), 1, "a.example", DNS_TYPE_A) == 12 + 11 + 4);
    CHECK(dns_question(room, sizeof(room), 1, "a.example.", DNS_TYPE_A) == 12 + 11 + 4);
    CHECK(dns_question(room, sizeof(room), 1, longest, DNS_TYPE_A) == 0); // 2.3.4: a label has at most 63 bytes
    CHECK(dns_question(room, sizeof(room), 1, "a..b", DNS_TYPE_A) == 0);
    CHECK(dns_question(room, sizeof(room), 1, ".", DNS_TYPE_A) == 0);
    CHECK(dns_question(room, 511, 1, "a", DNS_TYPE_A) == 0);
}

static void test_address(void) {
    begin("a.example", DNS_TYPE_A, 1);
    add("\xc0\x0c", 2, DNS_TYPE_A, "\x01\x02\x03\x04", 4);
    CHECK(read_answers("A.Example", DNS_TYPE_A, length) == 1 && answer.seconds == 60); // 2.3.3: without case
    CHECK(memcmp(answer.addresses[0], "\x01\x02\x03\x04", 4) == 0);
    for (size_t i = 0; i < length; i++)
        CHECK(read_answers("a.example", DNS_TYPE_A, i) == -1);
    CHECK(read_answers("b.example", DNS_TYPE_A, length) == -1); // the answer to another question
    CHECK(read_answers("a.example", DNS_TYPE_AAAA, length) == -1);
    message[1]++;
    CHECK(read_answers("a.example", DNS_TYPE_A, length) == -1); // another identifier
}

static void test_foreign_records(void) {
    begin("a.example", DNS_TYPE_A, 1);
    add("\x01z\x00", 3, DNS_TYPE_A, "\x06\x06\x06\x06", 4);
    CHECK(read_answers("a.example", DNS_TYPE_A, length) == 0); // of a name that nobody asked for
    begin("a.example", DNS_TYPE_A, 1);
    add("\xc0\x0c", 2, DNS_TYPE_A, "\x01\x02\x03", 3);
    CHECK(read_answers("a.example", DNS_TYPE_A, length) == -1); // 3.4.1: four bytes
}

static void test_chain(void) {
    begin("a.example", DNS_TYPE_A, 3); // 3.6.2; the order does not matter
    add("\x01z\x00", 3, DNS_TYPE_A, "\x07\x07\x07\x07", 4);
    add("\x01y\x00", 3, DNS_TYPE_CNAME, "\x01z\x00", 3);
    add("\xc0\x0c", 2, DNS_TYPE_CNAME, "\x01y\x00", 3);
    CHECK(read_answers("a.example", DNS_TYPE_A, length) == 1 && strcmp(answer.name, "z") == 0);
    begin("a.example", DNS_TYPE_A, 2);
    add("\xc0\x0c", 2, DNS_TYPE_CNAME, "\x01y\x00", 3);
    add("\x01y\x00", 3, DNS_TYPE_CNAME, "\xc0\x0c", 2); // a circle
    CHECK(read_answers("a.example", DNS_TYPE_A, length) == 0);
}

static void test_pointers(void) {
    begin("a.example", DNS_TYPE_A, 1);
    uint8_t self[2] = {0xc0, (uint8_t)length};
    add(self, 2, DNS_TYPE_A, "\x01\x02\x03\x04", 4); // 4.1.4: to itself
    CHECK(read_answers("a.example", DNS_TYPE_A, length) == -1);
}

static void test_flags(void) {
    begin("a.example", DNS_TYPE_A, 0);
    message[3] = DNS_NAME_ERROR;
    CHECK(read_answers("a.example", DNS_TYPE_A, length) == 0 && answer.code == DNS_NAME_ERROR && !answer.cut &&
          answer.seconds == 0);
    message[2] |= 2;
    CHECK(read_answers("a.example", DNS_TYPE_A, length) == 0 && answer.cut);
    message[2] &= 0x7f; // a question
    CHECK(read_answers("a.example", DNS_TYPE_A, length) == -1);
}

static void test_name_of_address(void) {
    begin("1.0.0.10.in-addr.arpa", DNS_TYPE_PTR, 1);
    add("\xc0\x0c", 2, DNS_TYPE_PTR,
        "\x04gate\x07"
        "example\x00",
        14);
    CHECK(read_answers("1.0.0.10.in-addr.arpa", DNS_TYPE_PTR, length) == 1 && strcmp(answer.name, "gate.example") == 0);
    begin("1.0.0.10.in-addr.arpa", DNS_TYPE_PTR, 1);
    add("\xc0\x0c", 2, DNS_TYPE_PTR, "\x04g\nte\x00", 6); // what would spoil a terminal
    CHECK(read_answers("1.0.0.10.in-addr.arpa", DNS_TYPE_PTR, length) == -1);
}

// How long answers may be kept: RFC 1035 section 3.2.1, RFC 2181 section 8, RFC 2308 section 5.
static void test_times(void) {
    static const uint8_t soa[] = "\x01m\0\x01r\0\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\x1e"; // minimum: 30
    begin("a.example", DNS_TYPE_A, 3);
    add("\xc0\x0c", 2, DNS_TYPE_CNAME, "\x01y\x00", 3);
    seconds = 20;
    add("\x01y\x00", 3, DNS_TYPE_A, "\x01\x02\x03\x04", 4);
    seconds = 60;
    add("\x01y\x00", 3, DNS_TYPE_A, "\x01\x02\x03\x05", 4);
    CHECK(read_answers("a.example", DNS_TYPE_A, length) == 2 && answer.seconds == 20);
    begin("a.example", DNS_TYPE_A, 1);
    add("\xc0\x0c", 2, DNS_TYPE_A, "\x01\x02\x03\x04", 4);
    message[length - 10] = 0x80; // of the time to live, the highest bit
    CHECK(read_answers("a.example", DNS_TYPE_A, length) == 1 && answer.seconds == 0);
    begin("a.example", DNS_TYPE_A, 0);
    message[9] = 1;
    add("\x07"
        "example\0",
        9, DNS_TYPE_SOA, soa, sizeof(soa) - 1);
    CHECK(read_answers("a.example", DNS_TYPE_A, length) == 0 && answer.code == 0 && answer.seconds == 30);
    message[3] = DNS_NAME_ERROR;
    CHECK(read_answers("a.example", DNS_TYPE_A, length) == 0 && answer.code == DNS_NAME_ERROR && answer.seconds == 30);
    begin("a.example", DNS_TYPE_A, 0);
    message[9] = 1;
    seconds = 10;
    add("\0", 1, DNS_TYPE_SOA, soa, sizeof(soa) - 1);
    seconds = 60;
    CHECK(read_answers("a.example", DNS_TYPE_A, length) == 0 && answer.seconds == 10);
    begin("a.example", DNS_TYPE_A, 0);
    message[9] = 1;
    add("\x05"
        "other\0",
        7, DNS_TYPE_SOA, soa, sizeof(soa) - 1); // of a zone that the name is not in
    CHECK(read_answers("a.example", DNS_TYPE_A, length) == 0 && answer.seconds == 0);
}

int main(void) {
    test_times();
    test_questions();
    test_address();
    test_foreign_records();
    test_chain();
    test_pointers();
    test_flags();
    test_name_of_address();
    return 0;
}
