// Saving and loading traces; see file.h.
#include "programs/trace/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "programs/common/buffer.h"
#include "programs/common/program.h"

_Static_assert(sizeof(struct trace_header) == 64 && sizeof(struct trace_name) == 48, "a file without holes");

bool trace_save(const struct trace *trace, const char *path) {
    int descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (descriptor < 0)
        return false;
    bool good = descriptor_write(descriptor, &trace->header, sizeof(trace->header)) &&
                descriptor_write(descriptor, trace->records, trace->header.record_count * sizeof(*trace->records)) &&
                descriptor_write(descriptor, trace->names, trace->header.name_count * sizeof(*trace->names));
    return close(descriptor) == 0 && good;
}

bool trace_load(struct trace *trace, const char *path) {
    struct buffer buffer;
    int descriptor = open(path, O_RDONLY);
    if (descriptor < 0)
        return false;
    buffer_init(&buffer);
    bool good = buffer_read_all(&buffer, descriptor);
    (void)close(descriptor);
    const struct trace_header *header = (const struct trace_header *)(void *)buffer.data;
    if (!good)
        return false;
    errno = EINVAL;
    if (buffer.length < sizeof(*header) || header->magic != TRACE_FILE_MAGIC)
        return false;
    uint64_t left = buffer.length - sizeof(*header);
    if (header->record_count > left / sizeof(struct trace_record) ||
        header->name_count > (left - header->record_count * sizeof(struct trace_record)) / sizeof(struct trace_name))
        return false;
    trace->header = *header;
    trace->records = (struct trace_record *)(void *)(buffer.data + sizeof(*header)); // the buffer is the trace's now
    trace->names = (struct trace_name *)(void *)(trace->records + header->record_count);
    return true;
}
