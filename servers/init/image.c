// Loading and looking up; see image.h. The archive is cpio "newc"; ELF as in the System V ABI (gABI 4.1). Both come with
// the image that was booted, and are still checked: a damaged file must not take init down.
#include "servers/init/image.h"

#include <string.h>

#include "kernel/abi/capability.h"
#include "libipc/client/slot.h"
#include "libipc/protocols/account.h"
#include "libipc/protocols/kernel.h"
#include "libipc/protocols/memory.h"
#include "libipc/protocols/process.h"

enum { PAGE = 4096, HEADER_BYTES = 110, FIELD_SIZE = 6, FIELD_NAME_SIZE = 11, SEGMENTS_MAX = 16, WRITE_STEP = 65536 };
enum {
    PT_LOAD = 1,
    PF_X = 1,
    PF_W = 2,
    PF_R = 4,
    ET_DYN = 3,
    EM_X86_64 = 62,
    SHT_SYMTAB = 2,
    SHT_NOBITS = 8,
    STT_OBJECT = 1,
    STT_FUNC = 2
};

struct elf_header {
    uint8_t ident[16];
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry, segments_at, sections_at;
    uint32_t flags;
    uint16_t header_bytes, segment_bytes, segment_count, section_bytes, section_count, names;
};

struct elf_segment {
    uint32_t type, flags;
    uint64_t offset, address, physical, file_bytes, memory_bytes, alignment;
};

struct elf_section {
    uint32_t name, type;
    uint64_t flags, address, offset, size;
    uint32_t link, info;
    uint64_t alignment, entry_size;
};

struct elf_symbol {
    uint32_t name;
    uint8_t info, other;
    uint16_t section;
    uint64_t value, size;
};

static const char *archive;
static size_t archive_length;

error_t image_start(void) {
    uint64_t length, kind, resident, address;
    error_t error = memory_information(BOOT_SLOT_INITRD, &length, &kind, &resident);
    if (!error)
        error = process_map(SLOT_SELF, 0, length, 0, MAP_FLAG_READ, BOOT_SLOT_INITRD, &address);
    if (error)
        return error;
    archive = (const char *)address; // NOLINT(performance-no-int-to-ptr)
    archive_length = length;
    return ERR_OK;
}

static uint64_t header_field(const char *header, uint32_t index) {
    uint64_t value = 0;
    for (uint32_t i = 0; i < 8; i++) {
        char digit = header[6 + index * 8 + i];
        value = value << 4 | (uint64_t)(digit <= '9' ? digit - '0' : (digit | 32) - 'a' + 10) % 16;
    }
    return value;
}

error_t image_find(const char *path, const char **file, size_t *length) {
    size_t wanted = strlen(path) + 1;
    for (size_t at = 0; archive_length - at >= HEADER_BYTES && memcmp(archive + at, "070701", 6) == 0;) {
        uint64_t size = header_field(archive + at, FIELD_SIZE), name = header_field(archive + at, FIELD_NAME_SIZE);
        uint64_t data = (at + HEADER_BYTES + name + 3) & ~UINT64_C(3);
        if (data > archive_length || size > archive_length - data)
            break;
        if (name == wanted && memcmp(archive + at + HEADER_BYTES, path, wanted) == 0) {
            *file = archive + data;
            *length = size;
            return ERR_OK;
        }
        at = (data + size + 3) & ~UINT64_C(3);
    }
    return ERR_NOT_FOUND;
}

static error_t load_segment(struct image *image, const struct elf_segment *segment) {
    uint64_t start = segment->address & ~(uint64_t)(PAGE - 1), skip = segment->address - start;
    if (segment->offset > image->length || segment->file_bytes > image->length - segment->offset ||
        segment->file_bytes > segment->memory_bytes || segment->memory_bytes > 1 << 28 || segment->address > 1 << 28)
        return ERR_NOT_EXECUTABLE;
    uint64_t bytes = (skip + segment->memory_bytes + PAGE - 1) & ~(uint64_t)(PAGE - 1), address;
    cap_t memory;
    error_t error = account_create_memory(SLOT_ACCOUNT, bytes, &memory);
    if (error)
        return error;
    for (uint64_t done = 0; !error && done < segment->file_bytes;) {
        uint64_t part = segment->file_bytes - done, count;
        if (part > WRITE_STEP)
            part = WRITE_STEP;
        error = memory_write(memory, skip + done, image->file + segment->offset + done, part, &count);
        done += count;
    }
    uint64_t rights = (segment->flags & PF_R ? MAP_FLAG_READ : 0) | (segment->flags & PF_W ? MAP_FLAG_WRITE : 0) |
                      (segment->flags & PF_X ? MAP_FLAG_EXECUTE : 0);
    cap_t narrowed = 0; // so that protect can't make text writable
    if (!error)
        error = slot_duplicate(memory, rights | RIGHT_COPY | RIGHT_INSPECT, &narrowed);
    if (!error)
        error = process_map(image->template, image->base + start, bytes, 0, rights | MAP_FLAG_FIXED, narrowed, &address);
    if (!error && rights & MAP_FLAG_EXECUTE && !image->text) {
        image->text = narrowed;
        image->text_address = image->base + start;
        image->text_bytes = bytes;
        narrowed = 0;
    }
    if (narrowed)
        slot_release(narrowed);
    slot_release(memory);
    return error;
}

error_t image_refresh(const struct image *image, cap_t process) {
    uint64_t mapped;
    error_t error = image->text ? process_unmap(process, image->text_address, image->text_bytes) : ERR_OK;
    if (!error && image->text)
        error = process_map(process, image->text_address, image->text_bytes, 0, MAP_FLAG_READ | MAP_FLAG_EXECUTE | MAP_FLAG_FIXED,
                            image->text, &mapped);
    return error;
}

error_t image_load(struct image *image, const char *file, size_t length) {
    struct elf_header header;
    uint64_t random[6];
    if (length < sizeof(header))
        return ERR_NOT_EXECUTABLE;
    memcpy(&header, file, sizeof(header));
    if (memcmp(header.ident, "\177ELF\2\1\1", 7) != 0 || header.type != ET_DYN || header.machine != EM_X86_64 ||
        header.segment_bytes != sizeof(struct elf_segment) || header.segment_count > SEGMENTS_MAX ||
        header.segments_at > length || header.segment_count * sizeof(struct elf_segment) > length - header.segments_at)
        return ERR_NOT_EXECUTABLE;
    error_t error = kernel_random(SLOT_KERNEL, &random[0], &random[1], &random[2], &random[3], &random[4], &random[5]);
    if (error)
        return error;
    *image =
        (struct image){.base = UINT64_C(0x0000500000000000) + (random[0] & 0x1ffffff) * PAGE, .file = file, .length = length};
    image->entry = image->base + header.entry;
    error = account_create_process(SLOT_ACCOUNT, &image->template);
    for (uint32_t i = 0; !error && i < header.segment_count; i++) {
        struct elf_segment segment;
        memcpy(&segment, file + header.segments_at + i * sizeof(segment), sizeof(segment));
        if (segment.type == PT_LOAD)
            error = load_segment(image, &segment);
    }
    if (error)
        image_release(image);
    return error;
}

void image_release(struct image *image) {
    if (image->template) {
        (void)process_destroy(image->template);
        slot_release(image->template);
    }
    image->template = 0;
    if (image->text)
        slot_release(image->text);
    image->text = 0;
    if (image->is_copy)
        (void)process_unmap(SLOT_SELF, (uint64_t)image->file, (image->length + PAGE - 1) & ~(uint64_t)(PAGE - 1));
    image->is_copy = false;
}

static const struct elf_section *section_at(const struct image *image, const struct elf_header *header, uint32_t index,
                                            struct elf_section *section) {
    uint64_t at = header->sections_at + (uint64_t)index * sizeof(*section);
    if (index >= header->section_count || at > image->length || sizeof(*section) > image->length - at)
        return NULL;
    memcpy(section, image->file + at, sizeof(*section));
    if (section->type == SHT_NOBITS)
        section->size = 0; // it has no bytes in the file
    if (section->offset > image->length || section->size > image->length - section->offset)
        return NULL;
    return section;
}

uint64_t image_object(const struct image *image, const char *name) {
    struct elf_header header;
    struct elf_section symbols, names;
    size_t length = strlen(name) + 1;
    memcpy(&header, image->file, sizeof(header));
    uint32_t index = 0;
    while (section_at(image, &header, index, &symbols) && symbols.type != SHT_SYMTAB)
        index++;
    if (!section_at(image, &header, index, &symbols) || !section_at(image, &header, symbols.link, &names))
        return 0;
    for (uint64_t at = 0; at + sizeof(struct elf_symbol) <= symbols.size; at += sizeof(struct elf_symbol)) {
        struct elf_symbol symbol;
        memcpy(&symbol, image->file + symbols.offset + at, sizeof(symbol));
        if ((symbol.info & 15) == STT_OBJECT && symbol.name < names.size && names.size - symbol.name >= length &&
            memcmp(image->file + names.offset + symbol.name, name, length) == 0)
            return image->base + symbol.value;
    }
    return 0;
}

const char *image_symbol(const struct image *image, uint64_t address, uint64_t *offset) {
    struct elf_header header;
    struct elf_section symbols, names;
    memcpy(&header, image->file, sizeof(header));
    uint32_t index = 0;
    while (section_at(image, &header, index, &symbols) && symbols.type != SHT_SYMTAB)
        index++;
    if (!section_at(image, &header, index, &symbols) || !section_at(image, &header, symbols.link, &names))
        return NULL;
    const char *best = NULL;
    for (uint64_t at = 0; at + sizeof(struct elf_symbol) <= symbols.size; at += sizeof(struct elf_symbol)) {
        struct elf_symbol symbol;
        memcpy(&symbol, image->file + symbols.offset + at, sizeof(symbol));
        if ((symbol.info & 15) != STT_FUNC || address - image->base - symbol.value >= symbol.size || symbol.name >= names.size)
            continue;
        best = image->file + names.offset + symbol.name;
        *offset = address - image->base - symbol.value;
    }
    return best;
}
