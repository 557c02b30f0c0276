// Runs of bytes that are, or are not, in a set: strspn, strcspn, strpbrk, and the tokens cut by them.
#include <stdint.h>
#include <string.h>

struct byte_set {
    uint64_t bits[4];
};

static struct byte_set byte_set_of(const char *members) {
    struct byte_set set = {{0}};
    for (; *members != '\0'; members++) {
        unsigned char byte = (unsigned char)*members;
        set.bits[byte / 64] |= UINT64_C(1) << (byte % 64);
    }
    return set;
}

static inline int byte_set_has(const struct byte_set *set, char c) {
    unsigned char byte = (unsigned char)c;
    return (int)((set->bits[byte / 64] >> (byte % 64)) & 1);
}

size_t strspn(const char *string, const char *accept) {
    struct byte_set set = byte_set_of(accept);
    size_t length = 0;
    while (string[length] != '\0' && byte_set_has(&set, string[length]))
        length++;
    return length;
}

size_t strcspn(const char *string, const char *reject) {
    struct byte_set set = byte_set_of(reject);
    size_t length = 0;
    while (string[length] != '\0' && !byte_set_has(&set, string[length]))
        length++;
    return length;
}

char *strpbrk(const char *string, const char *accept) {
    string += strcspn(string, accept);
    return *string != '\0' ? (char *)(uintptr_t)string : NULL;
}
