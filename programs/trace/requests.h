// The requests of a trace by their numbers: whose they are, what they ask, who served them. Made in one pass
// over the records, so that an answer can be printed with the method that it answers, and a filter knows what
// concerns a process.
#pragma once

#include "programs/trace/file.h"

struct traced_request {
    uint64_t count;
    uint32_t thread; // with `count`: its number
    uint32_t caller; // process, 0: not known
    uint16_t method; // that it was sent with; whoever goes through the records changes it when it is forwarded
    bool forwarded;  // for whoever goes through the records
    bool concerns;   // the process that the table was made for sent or served it
};

// What the records say of requests; `process`: whose matter, 0: everybody's.
void requests_collect(const struct trace *trace, uint32_t process);
// The request that the record is about; NULL if it is about none, or its call was not recorded.
struct traced_request *request_of(const struct trace_record *record);
