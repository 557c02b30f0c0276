// See store.h. Records begin at multiples of 8 and may wrap around the ring's end.
#include "servers/log/store.h"

#include <string.h>

static void bytes_put(struct log_store *store, uint64_t position, const void *from, size_t length) {
    size_t at = position % STORE_BYTES, first = STORE_BYTES - at < length ? STORE_BYTES - at : length;
    memcpy(store->bytes + at, from, first);
    memcpy(store->bytes, (const unsigned char *)from + first, length - first);
}

static void bytes_get(const struct log_store *store, uint64_t position, void *to, size_t length) {
    size_t at = position % STORE_BYTES, first = STORE_BYTES - at < length ? STORE_BYTES - at : length;
    memcpy(to, store->bytes + at, first);
    memcpy((unsigned char *)to + first, store->bytes, length - first);
}

static struct log_record record_at(const struct log_store *store, uint64_t position) {
    struct log_record record;
    bytes_get(store, position, &record, sizeof(record));
    return record;
}

void log_store_add(struct log_store *store, const struct log_record *head, const char *text, size_t length) {
    unsigned char record[sizeof(struct log_record) + RECORD_TEXT_MAX + 8] = {0};
    if (length > RECORD_TEXT_MAX)
        length = RECORD_TEXT_MAX;
    size_t bytes = record_bytes(length);
    struct log_record written = *head;
    written.length = (uint16_t)length;
    memcpy(record, &written, sizeof(written));
    for (size_t i = 0; i < length; i++)
        record[sizeof(written) + i] = (unsigned char)text[i] < ' ' ? ' ' : (unsigned char)text[i];
    while (store->head + bytes - store->tail > STORE_BYTES)
        store->tail += record_bytes(record_at(store, store->tail).length);
    bytes_put(store, store->head, record, bytes);
    store->head += bytes;
}

size_t log_store_read(const struct log_store *store, uint64_t *position, uint64_t level, unsigned char *to, size_t size) {
    size_t used = 0;
    uint64_t at = *position > store->tail ? *position : store->tail;
    // A position inside a record is the reader's mistake: it goes on with the first one behind it.
    uint64_t start = store->tail;
    while (start < at && start < store->head)
        start += record_bytes(record_at(store, start).length);
    for (at = start; at < store->head;) {
        struct log_record record = record_at(store, at);
        size_t bytes = record_bytes(record.length);
        if (record.level <= level) {
            if (bytes > size - used)
                break;
            bytes_get(store, at, to + used, bytes);
            used += bytes;
        }
        at += bytes;
    }
    *position = at;
    return used;
}

size_t log_split_sender(const char *text, size_t length, uint8_t sender[16]) {
    memset(sender, 0, 16);
    size_t end = 0;
    while (end < length && end < 15 && text[end] > ' ' && text[end] != ':')
        end++;
    if (end == 0 || end + 1 >= length || text[end] != ':' || text[end + 1] != ' ') {
        memcpy(sender, "kernel", 6);
        return 0;
    }
    memcpy(sender, text, end);
    return end + 2;
}
