// See executable.h. Only relative relocations occur, since the image refers to nothing but itself.
#include "boot/loader/executable.h"

#include "kernel/x86_64/string.h"

enum { PAGE = 4096, ET_DYN = 3, EM_X86_64 = 62, PT_LOAD = 1, PT_DYNAMIC = 2, PF_X = 1, PF_W = 2 };
enum { DT_NULL = 0, DT_RELA = 7, DT_RELASZ = 8, RELATIVE = 8, IMAGE_MAX = 64 << 20 };

struct elf_header {
    uint8_t ident[16];
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry, segments, sections;
    uint32_t flags;
    uint16_t header_bytes, segment_bytes, segment_count, rest[3];
};

struct elf_segment {
    uint32_t type, flags;
    uint64_t offset, address, physical, file_bytes, memory_bytes, alignment;
};

struct pair {
    uint64_t first, second;
};

static error_t add_segment(struct executable *executable, const struct elf_segment *segment) {
    uint64_t start = segment->address & ~(uint64_t)(PAGE - 1);
    uint64_t end = (segment->address + segment->memory_bytes + PAGE - 1) & ~(uint64_t)(PAGE - 1);
    uint32_t i = executable->segment_count;
    if (i == BOOT_SEGMENTS || start < executable->bytes || segment->memory_bytes > IMAGE_MAX || end > IMAGE_MAX ||
        segment->address > IMAGE_MAX || segment->file_bytes > segment->memory_bytes)
        return ERR_NOT_EXECUTABLE;
    bool writable = segment->flags & PF_W;
    executable->segments[i].offset = start;
    executable->segments[i].bytes = end - start;
    executable->segments[i].access = (writable ? (uint32_t)BOOT_WRITE : 0) | (segment->flags & PF_X ? (uint32_t)BOOT_EXECUTE : 0);
    executable->segments[i].skip = (uint32_t)(segment->address - start);
    executable->segments[i].file_offset = segment->offset;
    executable->segments[i].file_bytes = segment->file_bytes;
    executable->segment_count++;
    executable->bytes = end;
    if (!writable)
        executable->constant_bytes = end;
    return ERR_OK;
}

static void read_dynamic(struct executable *executable, const struct elf_segment *segment) {
    struct pair entry;
    for (uint64_t at = 0; segment->file_bytes - at >= sizeof(entry); at += sizeof(entry)) {
        memcpy(&entry, executable->file + segment->offset + at, sizeof(entry));
        if (entry.first == DT_NULL)
            return;
        if (entry.first == DT_RELA)
            executable->relocations = entry.second;
        if (entry.first == DT_RELASZ)
            executable->relocation_bytes = entry.second;
    }
}

error_t executable_open(struct executable *executable, const void *file, uint64_t length) {
    struct elf_header header;
    struct elf_segment segment;
    *executable = (struct executable){.file = file};
    if (length < sizeof(header))
        return ERR_NOT_EXECUTABLE;
    memcpy(&header, file, sizeof(header));
    if (memcmp(header.ident, "\177ELF\2\1\1", 7) != 0 || header.type != ET_DYN || header.machine != EM_X86_64 ||
        header.segment_bytes != sizeof(segment) || header.segments > length ||
        header.segment_count > (length - header.segments) / sizeof(segment))
        return ERR_NOT_EXECUTABLE;
    for (uint32_t i = 0; i < header.segment_count; i++) {
        memcpy(&segment, executable->file + header.segments + i * sizeof(segment), sizeof(segment));
        if (segment.type != PT_LOAD && segment.type != PT_DYNAMIC)
            continue;
        if (segment.offset > length || segment.file_bytes > length - segment.offset)
            return ERR_NOT_EXECUTABLE;
        error_t error = segment.type == PT_LOAD ? add_segment(executable, &segment) : ERR_OK;
        if (error)
            return error;
        if (segment.type == PT_DYNAMIC)
            read_dynamic(executable, &segment);
    }
    executable->entry = header.entry;
    bool fits = executable->relocation_bytes <= executable->bytes &&
                executable->relocations <= executable->bytes - executable->relocation_bytes;
    return fits && executable->entry < executable->constant_bytes ? ERR_OK : ERR_NOT_EXECUTABLE;
}

bool relocations_apply(uint8_t *image, uint64_t bytes, const uint8_t *table, uint64_t table_bytes, uint64_t base) {
    struct {
        uint64_t offset, kind, addend;
    } relocation;
    for (uint64_t at = 0; table_bytes - at >= sizeof(relocation); at += sizeof(relocation)) {
        memcpy(&relocation, table + at, sizeof(relocation));
        uint64_t value = base + relocation.addend;
        if ((uint32_t)relocation.kind != RELATIVE || relocation.offset > bytes || bytes - relocation.offset < sizeof(value))
            return false;
        memcpy(image + relocation.offset, &value, sizeof(value));
    }
    return true;
}

void executable_load(const struct executable *executable) {
    uint8_t *to = (uint8_t *)executable->physical; // NOLINT(performance-no-int-to-ptr): one to one
    memset(to, 0, executable->bytes);
    for (uint32_t i = 0; i < executable->segment_count; i++)
        memcpy(to + executable->segments[i].offset + executable->segments[i].skip,
               executable->file + executable->segments[i].file_offset, executable->segments[i].file_bytes);
}

bool executable_relocate(const struct executable *executable, uint64_t base) {
    uint8_t *image = (uint8_t *)executable->physical; // NOLINT(performance-no-int-to-ptr): one to one
    return relocations_apply(image, executable->bytes, image + executable->relocations, executable->relocation_bytes, base);
}
