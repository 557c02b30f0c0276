// The loader behind executable.h. Formats: System V ABI (gABI 4.1), chapter 5. Each segment is read straight into the memory
// object that the child maps: one copy, by the file server. The file is hostile until proven otherwise.
#include "libc/system/executable.h"

#include <string.h>

#include "kernel/abi/capability.h"
#include "libc/internal/system.h"
#include "libipc/client/slot.h"
#include "libipc/protocols/account.h"
#include "libipc/protocols/file.h"
#include "libipc/protocols/process.h"

enum { PAGE = 4096, SEGMENTS_MAX = 16, PT_LOAD = 1, PF_X = 1, PF_W = 2, PF_R = 4, ET_DYN = 3, EM_X86_64 = 62 };

#define IMAGE_MAX UINT64_C(0x40000000)

struct elf_header {
    uint8_t ident[16];
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry, segments_at, sections_at;
    uint32_t flags;
    uint16_t header_bytes, segment_bytes, segment_count, rest[3];
};

struct elf_segment {
    uint32_t type, flags;
    uint64_t offset, address, physical, file_bytes, memory_bytes, alignment;
};

static error_t read_all(cap_t file, uint64_t position, void *to, uint64_t length) {
    while (length > 0) {
        uint64_t count, part = length < FILE_READ_DATA_MAX ? length : FILE_READ_DATA_MAX;
        error_t error = file_read(file, position, 0, to, part, &count);
        if (error)
            return error;
        if (count == 0)
            return ERR_NOT_EXECUTABLE; // shorter than it says
        position += count;
        to = (char *)to + count;
        length -= count;
    }
    return ERR_OK;
}

// Fills the segment's memory through a mapping of our own that is gone afterwards.
static error_t fill(cap_t memory, uint64_t bytes, cap_t file, const struct elf_segment *segment, uint64_t skip) {
    uint64_t address;
    if (segment->file_bytes == 0)
        return ERR_OK;
    error_t error = process_map(SLOT_SELF, 0, bytes, 0, MAP_FLAG_READ | MAP_FLAG_WRITE, memory, &address);
    if (error)
        return error;
    error = read_all(file, segment->offset, (void *)(address + skip), segment->file_bytes); // NOLINT
    error_t unmapped = process_unmap(SLOT_SELF, address, bytes);
    return error ? error : unmapped;
}

static error_t load_segment(cap_t file, cap_t process, cap_t account, const struct elf_segment *segment,
                            struct executable *executable) {
    uint64_t start = segment->address & ~(uint64_t)(PAGE - 1), skip = segment->address - start, address;
    if (segment->memory_bytes > IMAGE_MAX || segment->address > IMAGE_MAX || segment->memory_bytes == 0 ||
        segment->file_bytes > segment->memory_bytes)
        return ERR_NOT_EXECUTABLE;
    uint64_t bytes = (skip + segment->memory_bytes + PAGE - 1) & ~(uint64_t)(PAGE - 1);
    uint64_t rights = (segment->flags & PF_R ? MAP_FLAG_READ : 0) | (segment->flags & PF_W ? MAP_FLAG_WRITE : 0) |
                      (segment->flags & PF_X ? MAP_FLAG_EXECUTE : 0);
    cap_t memory, narrowed = 0; // so that protect can't make text writable later
    error_t error = account_create_memory(account, bytes, &memory);
    if (error)
        return error;
    error = fill(memory, bytes, file, segment, skip);
    if (!error)
        error = slot_duplicate(memory, rights | RIGHT_COPY | RIGHT_INSPECT, &narrowed);
    if (!error)
        error = process_map(process, executable->base + start, bytes, 0, rights | MAP_FLAG_FIXED, narrowed, &address);
    slot_release(narrowed);
    slot_release(memory);
    if (!error && start + bytes > executable->length)
        executable->length = start + bytes;
    return error;
}

error_t executable_load(cap_t file, cap_t process, cap_t account, struct executable *executable) {
    struct elf_header header;
    struct elf_segment segments[SEGMENTS_MAX];
    uint64_t random = 0;
    error_t error = read_all(file, 0, &header, sizeof(header));
    if (error)
        return error;
    if (memcmp(header.ident, "\177ELF\2\1\1", 7) != 0 || header.type != ET_DYN || header.machine != EM_X86_64 ||
        header.segment_bytes != sizeof(struct elf_segment) || header.segment_count > SEGMENTS_MAX)
        return ERR_NOT_EXECUTABLE;
    error = read_all(file, header.segments_at, segments, header.segment_count * sizeof(segments[0]));
    if (!error)
        error = system_random(&random, sizeof(random));
    executable->base = UINT64_C(0x0000500000000000) + (random & UINT64_C(0x1ffffff)) * PAGE;
    executable->length = 0;
    executable->entry = executable->base + header.entry;
    for (uint32_t i = 0; !error && i < header.segment_count; i++)
        if (segments[i].type == PT_LOAD)
            error = load_segment(file, process, account, &segments[i], executable);
    return error;
}
