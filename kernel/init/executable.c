// The loader behind executable.h. Formats: System V ABI (gABI 4.1), chapters 4 and 5.
#include "kernel/init/executable.h"

#include "kernel/cap/account.h"
#include "kernel/ipc/copy.h"
#include "kernel/memory/direct_map.h"
#include "kernel/memory/frame.h"
#include "kernel/x86_64/entropy.h"
#include "kernel/x86_64/string.h"

enum { PT_LOAD = 1, PF_X = 1, PF_W = 2, PF_R = 4, ET_DYN = 3, EM_X86_64 = 62, SEGMENTS_MAX = 16 };

struct elf_header {
    uint8_t ident[16];
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry, program_headers, section_headers;
    uint32_t flags;
    uint16_t header_bytes, program_header_bytes, program_header_count, rest[3];
};

struct elf_segment {
    uint32_t type, flags;
    uint64_t offset, address, physical, file_bytes, memory_bytes, alignment;
};

static error_t fill(struct memory *memory, uint64_t offset, const char *bytes, uint64_t length) {
    while (length) {
        uint64_t physical, part = PAGE_BYTES - offset % PAGE_BYTES;
        bool shared;
        error_t error = memory_page(memory, offset / PAGE_BYTES, true, &physical, &shared);
        if (error)
            return error;
        if (part > length)
            part = length;
        memcpy((char *)direct_map(physical) + offset % PAGE_BYTES, bytes, part);
        offset += part, bytes += part, length -= part;
    }
    return ERR_OK;
}

static error_t load_segment(struct process *process, const char *file, uint64_t length, uint64_t base,
                            const struct elf_segment *segment) {
    uint64_t start = segment->address & ~UINT64_C(4095), skip = segment->address - start;
    if (segment->offset > length || segment->file_bytes > length - segment->offset ||
        segment->file_bytes > segment->memory_bytes || segment->memory_bytes > 1 << 30 ||
        segment->address > 1 << 30)
        return ERR_NOT_EXECUTABLE;
    uint64_t bytes = (skip + segment->memory_bytes + PAGE_BYTES - 1) & ~UINT64_C(4095);
    struct memory *memory;
    error_t error = memory_create_anonymous(process->object.account, bytes, &memory);
    if (error)
        return error;
    error = fill(memory, skip, file + segment->offset, segment->file_bytes);
    uint16_t flags = (segment->flags & PF_R ? RIGHT_READ : 0) | (segment->flags & PF_W ? RIGHT_WRITE : 0) |
                     (segment->flags & PF_X ? RIGHT_EXECUTE : 0);
    uint64_t address = base + start;
    if (!error)
        error = space_map(&process->space, memory, &address, bytes, 0, flags, flags, NULL);
    object_release(&memory->object);
    return error;
}

error_t executable_load(struct process *process, const void *file, uint64_t length, uint64_t *entry) {
    struct elf_header header;
    if (length < sizeof(header))
        return ERR_NOT_EXECUTABLE;
    memcpy(&header, file, sizeof(header));
    if (memcmp(header.ident, "\177ELF\2\1\1", 7) != 0 || header.type != ET_DYN || header.machine != EM_X86_64 ||
        header.program_header_bytes != sizeof(struct elf_segment) || header.program_header_count > SEGMENTS_MAX ||
        header.program_headers > length ||
        header.program_header_count * sizeof(struct elf_segment) > length - header.program_headers)
        return ERR_NOT_EXECUTABLE;
    uint64_t random;
    entropy_fill(&random, sizeof(random));
    uint64_t base = UINT64_C(0x0000500000000000) + (random & UINT64_C(0x1ffffff)) * PAGE_BYTES;
    for (uint32_t i = 0; i < header.program_header_count; i++) {
        struct elf_segment segment;
        memcpy(&segment, (const char *)file + header.program_headers + i * sizeof(segment), sizeof(segment));
        if (segment.type != PT_LOAD)
            continue;
        error_t error = load_segment(process, file, length, base, &segment);
        if (error)
            return error;
    }
    *entry = base + header.entry;
    return ERR_OK;
}
