// Walking a newc archive; see archive.h. Header fields: 6 bytes of magic, then 13 numbers of 8 hexadecimal
// digits; name and data are each padded to 4 bytes.
#include "boot/loader/archive.h"

#include "kernel/x86_64/string.h"

enum { HEADER_BYTES = 110, MAGIC_BYTES = 6, FIELD_DIGITS = 8, FIELD_SIZE = 6, FIELD_NAME_SIZE = 11 };

static error_t field(const char *header, uint32_t index, uint64_t *value) {
    *value = 0;
    for (uint32_t i = 0; i < FIELD_DIGITS; i++) {
        char digit = header[MAGIC_BYTES + index * FIELD_DIGITS + i];
        if (digit >= '0' && digit <= '9')
            *value = *value << 4 | (uint64_t)(digit - '0');
        else if ((digit | 32) >= 'a' && (digit | 32) <= 'f')
            *value = *value << 4 | (uint64_t)((digit | 32) - 'a' + 10);
        else
            return ERR_CORRUPT;
    }
    return ERR_OK;
}

static uint64_t padded(uint64_t offset) {
    return (offset + 3) & ~UINT64_C(3);
}

error_t archive_find(const void *archive, uint64_t length, const char *name, const void **file, uint64_t *file_length) {
    const char *bytes = archive;
    uint64_t offset = 0, wanted = strlen(name) + 1, size, name_size;
    while (offset <= length && length - offset >= HEADER_BYTES) {
        const char *header = bytes + offset;
        if (memcmp(header, "070701", MAGIC_BYTES) != 0 || field(header, FIELD_SIZE, &size) ||
            field(header, FIELD_NAME_SIZE, &name_size))
            return ERR_CORRUPT;
        uint64_t name_at = offset + HEADER_BYTES, data_at = padded(name_at + name_size);
        if (data_at > length || size > length - data_at)
            return ERR_CORRUPT;
        if (name_size == wanted && memcmp(bytes + name_at, name, wanted) == 0) {
            *file = bytes + data_at;
            *file_length = size;
            return ERR_OK;
        }
        offset = padded(data_at + size);
    }
    return ERR_NOT_FOUND;
}
