// A trace as it lies in memory and in a file: a header, records as the kernel wrote them, ordered by time,
// and the names of the processes. A record that belongs to the one before it (words, lent bytes, frames)
// follows it at once. Little-endian, as the machine; image/trace_file.py reads the same.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "kernel/abi/methods.h"

#define TRACE_FILE_MAGIC UINT64_C(0x315245435254534b) // "KSTRCER1"

struct trace_name {
    uint32_t process; // serial of the kernel's process object, as in records
    uint32_t id;      // as ps shows it; 0: a server
    char name[32];    // NUL-padded
    uint64_t base;    // where its program was loaded, 0: not known
};

struct trace_header {
    uint64_t magic;
    uint32_t processors, name_count;
    uint64_t record_count;
    uint64_t lost;       // records that were overwritten before they were read
    uint64_t multiplier; // nanoseconds = ticks * multiplier >> shift, in 128 bits
    uint32_t shift, reserved;
    uint64_t wall; // nanoseconds since 1970 at the end of the recording, or 0
    uint64_t end;  // ticks then
};

struct trace {
    struct trace_header header;
    struct trace_record *records;
    struct trace_name *names;
};

// The record belongs to the one before it.
static inline bool trace_is_continuation(const struct trace_record *record) {
    return record->event == TRACE_EVENT_WORDS || record->event == TRACE_EVENT_LENT || record->event == TRACE_EVENT_FRAMES;
}

// False: errno says why (EINVAL: it is no trace).
bool trace_save(const struct trace *trace, const char *path);
bool trace_load(struct trace *trace, const char *path);

// Each adds the processes that can be named now and are not in the list yet: servers (whose processes init
// keeps), one program by its id, all programs.
void trace_names_servers(struct trace *trace);
void trace_names_program(struct trace *trace, uint64_t id);
void trace_names_programs(struct trace *trace);
// The process's entry, or NULL.
const struct trace_name *trace_name_find(const struct trace *trace, uint32_t process);
