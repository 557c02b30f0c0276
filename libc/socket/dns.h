// Messages of the domain name system (RFC 1035): questions are made and answers read. Pure; nothing in an
// answer is trusted. Used by resolve.c and by host tests.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    DNS_NAME_BYTES = 256, // as text, with its NUL
    DNS_MESSAGE_BYTES = 4096,
    DNS_TYPE_A = 1,
    DNS_TYPE_CNAME = 5,
    DNS_TYPE_PTR = 12,
    DNS_TYPE_AAAA = 28,
    DNS_NAME_ERROR = 3, // RCODE: there is no such name
};

struct dns_answer {
    uint8_t address[16];       // of A (4 bytes) and AAAA
    char name[DNS_NAME_BYTES]; // of PTR: whom it points to; else the canonical name
    uint32_t seconds;          // it may be kept
};

// A recursive question; bytes of the message, 0 if the name is none. `room` at least 512 bytes.
size_t dns_question(uint8_t *message, size_t room, uint16_t identifier, const char *name, uint16_t type);

// Answers to exactly that question, through its chain of CNAMEs. -1: the message is not an answer to it; else
// how many were written. *code: RCODE; *cut: the message was truncated, ask by TCP.
int dns_answers(const uint8_t *message, size_t length, uint16_t identifier, const char *name, uint16_t type,
                struct dns_answer *answers, size_t most, int *code, bool *cut);
