// A hash table with open addressing; see requests.h.
#include "programs/trace/requests.h"

#include <stdlib.h>

#include "programs/common/program.h"

static struct traced_request *table;
static uint64_t mask;

// Its place, or the free one where it belongs.
static struct traced_request *place(uint32_t thread, uint64_t count) {
    uint64_t hash = (thread * UINT64_C(0x9e3779b97f4a7c15)) ^ (count * UINT64_C(0xc2b2ae3d27d4eb4f));
    for (uint64_t at = hash ^ hash >> 32;; at++) {
        struct traced_request *entry = &table[at & mask];
        if (entry->thread == 0 || (entry->thread == thread && entry->count == count))
            return entry;
    }
}

struct traced_request *request_of(const struct trace_record *record) {
    if (record->event > TRACE_EVENT_ANSWER || record->other == 0)
        return NULL;
    struct traced_request *entry = place(record->other, record->value);
    return entry->thread ? entry : NULL;
}

void requests_collect(const struct trace *trace, uint32_t process) {
    uint64_t size = 16;
    while (size < 2 * trace->header.record_count)
        size *= 2;
    free(table);
    table = memory_allocate(size * sizeof(*table));
    for (uint64_t i = 0; i < size; i++)
        table[i] = (struct traced_request){0};
    mask = size - 1;
    for (uint64_t i = 0; i < trace->header.record_count; i++) {
        const struct trace_record *record = &trace->records[i];
        if (record->event > TRACE_EVENT_ANSWER || record->other == 0)
            continue;
        struct traced_request *entry = place(record->other, record->value);
        if (entry->thread == 0)
            *entry = (struct traced_request){
                .thread = record->other,
                .count = record->value,
                .caller = record->event == TRACE_EVENT_CALL ? record->process : 0,
                .method = record->event <= TRACE_EVENT_RECEIVE || record->event == TRACE_EVENT_FORWARD ? record->code : 0};
        entry->concerns = entry->concerns || process == 0 || record->process == process;
    }
}
