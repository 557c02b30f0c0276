// Messages of the domain name system (RFC 1035): questions are made and answers read. Pure; nothing in an
// answer is trusted. Used by question.c and by host tests.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    DNS_NAME_BYTES = 256, // as text, with its NUL
    DNS_MESSAGE_BYTES = 4096,
    DNS_ADDRESSES_MAX = 16,
    DNS_TYPE_A = 1,
    DNS_TYPE_CNAME = 5,
    DNS_TYPE_SOA = 6,
    DNS_TYPE_PTR = 12,
    DNS_TYPE_AAAA = 28,
    DNS_NAME_ERROR = 3, // RCODE: there is no such name
};

struct dns_answer {
    int code;         // RCODE
    bool cut;         // the message was truncated: ask by TCP
    bool found;       // there are records of that type; else there are none, or the name does not exist
    uint32_t seconds; // it may be kept: the least of all records that led here, or what RFC 2308 says of negative answers
    char name[DNS_NAME_BYTES]; // canonical; of PTR and CNAME: whom it names
    uint32_t count;
    uint8_t addresses[DNS_ADDRESSES_MAX][16]; // of A (4 bytes) and AAAA
};

// A recursive question; bytes of the message, 0 if the name is none. `room` at least 512 bytes.
size_t dns_question(uint8_t *message, size_t room, uint16_t identifier, const char *name, uint16_t type);

// Reads the answer to exactly that question, through its chain of CNAMEs. False: the message is no answer to it.
bool dns_answer_read(const uint8_t *message, size_t length, uint16_t identifier, const char *name, uint16_t type,
                     struct dns_answer *answer);
