// See archive.h. The archive is the boot medium's and is still not believed: every length is checked.
#include "drivers/framework/archive.h"

#include <stdbool.h>
#include <stdint.h>

enum { HEADER_BYTES = 110, FIELD_DIGITS = 8, FIELD_SIZE = 6, FIELD_NAME = 11, MAGIC_BYTES = 6 };

static bool field(const char *header, uint32_t index, uint64_t *value) {
    const char *at = header + MAGIC_BYTES + (size_t)index * FIELD_DIGITS;
    *value = 0;
    for (uint32_t i = 0; i < FIELD_DIGITS; i++) {
        char c = at[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')))
            return false;
        *value = *value << 4 | (uint64_t)(c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
    }
    return true;
}

static bool same_name(const char *entry, uint64_t length, const char *name) {
    if (length > 2 && entry[0] == '.' && entry[1] == '/') {
        entry += 2;
        length -= 2;
    }
    uint64_t i = 0;
    while (i < length && name[i] != '\0' && entry[i] == name[i])
        i++;
    return i < length && entry[i] == '\0' && name[i] == '\0';
}

static uint64_t aligned(uint64_t value) {
    return (value + 3) & ~UINT64_C(3);
}

error_t archive_find(const char *archive, size_t length, const char *name, const char **file, size_t *size) {
    for (uint64_t at = 0; at <= length && length - at >= HEADER_BYTES;) {
        const char *header = archive + at;
        uint64_t bytes, name_bytes;
        if (__builtin_memcmp(header, "07070", 5) != 0 || !field(header, FIELD_SIZE, &bytes) ||
            !field(header, FIELD_NAME, &name_bytes))
            return ERR_NOT_FOUND;
        uint64_t data = aligned(at + HEADER_BYTES + name_bytes), end = aligned(data + bytes);
        if (data > length || bytes > length - data)
            return ERR_NOT_FOUND;
        if (same_name(header + HEADER_BYTES, name_bytes, name)) {
            *file = archive + data;
            *size = bytes;
            return ERR_OK;
        }
        at = end;
    }
    return ERR_NOT_FOUND;
}
