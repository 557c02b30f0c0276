// libFuzzer: answers of name servers (servers/resolver/dns.c). The first two bytes choose the question.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "servers/resolver/dns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const uint16_t types[] = {DNS_TYPE_A, DNS_TYPE_AAAA, DNS_TYPE_PTR, DNS_TYPE_CNAME};
    static const char *const names[] = {"a.example", "www.example.org", "x"};
    uint8_t message[DNS_MESSAGE_BYTES], question[512];
    struct dns_answer answer;
    if (size < 2)
        return 0;
    const char *name = names[data[0] % 3];
    uint16_t type = types[data[1] % 4];
    size_t length = dns_question(question, sizeof(question), 0x1234, name, type);
    if (length == 0)
        abort();
    memcpy(message, question, length); // an answer begins with the question
    size_t rest = size - 2 < sizeof(message) - length ? size - 2 : sizeof(message) - length;
    memcpy(message + length, data + 2, rest);
    message[2] |= 0x80;
    message[6] = data[0] >> 7;
    message[7] = data[1] >> 2;
    message[9] = data[0] >> 2 & 3; // authorities
    uint8_t *exact = malloc(length + rest);
    memcpy(exact, message, length + rest);
    if (dns_answer_read(exact, length + rest, 0x1234, name, type, &answer) &&
        (memchr(answer.name, 0, sizeof(answer.name)) == NULL || answer.count > DNS_ADDRESSES_MAX))
        abort();
    free(exact);
    return 0;
}
