// The loader behind executable.h. Formats: System V ABI (gABI 4.1), chapter 5. A segment that nobody may
// write is read once, by the file server, into a memory object that all children map; it is the reader's, who
// pays for it. Of others the file's bytes are kept. Invariant: an image stands for a file by path, device,
// inode, size and time of change. The file is hostile until proven otherwise.
#include "libc/system/executable.h"

#include <stdlib.h>
#include <string.h>

#include "kernel/abi/capability.h"
#include "libc/internal/system.h"
#include "libipc/client/slot.h"
#include "libipc/protocols/account.h"
#include "libipc/protocols/memory.h"
#include "libipc/protocols/process.h"

enum { PAGE = 4096, SEGMENTS_MAX = 16, PT_LOAD = 1, PF_X = 1, PF_W = 2, PF_R = 4, ET_DYN = 3, EM_X86_64 = 62 };
enum { IMAGES = 4, PATH_KEPT = 128 };

#define IMAGE_MAX UINT64_C(0x40000000)
#define KEPT_MAX  UINT64_C(0x100000) // bytes of an image that is worth keeping

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

struct part {
    uint64_t start, bytes, rights; // where it lies from the base on, in pages; enum map_flag
    cap_t shared;                  // memory of one that is only read; 0: `data`, from byte `skip` on
    char *data;
    uint64_t skip, data_bytes;
};

struct image {
    char path[PATH_KEPT]; // empty: not to be found
    struct file_status status;
    uint64_t base; // where it lies in each child
    uint64_t entry, bytes;
    uint32_t count;
    struct part parts[SEGMENTS_MAX];
};

static struct image images[IMAGES];
static unsigned next_image;

bool image_is_known(const char *path) {
    for (unsigned i = 0; i < IMAGES; i++)
        if (*path && strcmp(images[i].path, path) == 0)
            return true;
    return false;
}

const struct image *image_find(const char *path, const struct file_status *status) {
    for (unsigned i = 0; i < IMAGES; i++) {
        const struct file_status *own = &images[i].status;
        if (strcmp(images[i].path, path) == 0 && own->device == status->device && own->inode == status->inode &&
            own->size == status->size && own->changed == status->changed)
            return &images[i];
    }
    return NULL;
}

static void image_drop(struct image *image) {
    for (uint32_t i = 0; i < image->count; i++) {
        slot_release(image->parts[i].shared);
        free(image->parts[i].data);
    }
    memset(image, 0, sizeof(*image));
}

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

// Reads into memory through a mapping of our own that is gone afterwards; the capability that stays can't be
// used to write.
static error_t read_shared(cap_t file, uint64_t offset, struct part *part) {
    cap_t memory;
    uint64_t address;
    error_t error = account_create_memory(SLOT_ACCOUNT, part->bytes, &memory);
    if (error)
        return error;
    error = process_map(SLOT_SELF, 0, part->bytes, 0, MAP_FLAG_READ | MAP_FLAG_WRITE, memory, &address);
    if (!error) {
        error = read_all(file, offset, (void *)(address + part->skip), part->data_bytes); // NOLINT
        error_t unmapped = process_unmap(SLOT_SELF, address, part->bytes);
        error = error ? error : unmapped;
    }
    if (!error)
        error = slot_duplicate(memory, part->rights | RIGHT_COPY | RIGHT_INSPECT, &part->shared);
    slot_release(memory);
    return error;
}

static error_t read_part(cap_t file, const struct elf_segment *segment, struct part *part) {
    uint64_t start = segment->address & ~(uint64_t)(PAGE - 1);
    if (segment->memory_bytes > IMAGE_MAX || segment->address > IMAGE_MAX || segment->memory_bytes == 0 ||
        segment->file_bytes > segment->memory_bytes)
        return ERR_NOT_EXECUTABLE;
    part->start = start;
    part->skip = segment->address - start;
    part->data_bytes = segment->file_bytes;
    part->bytes = (part->skip + segment->memory_bytes + PAGE - 1) & ~(uint64_t)(PAGE - 1);
    part->rights = (segment->flags & PF_R ? MAP_FLAG_READ : 0) | (segment->flags & PF_W ? MAP_FLAG_WRITE : 0) |
                   (segment->flags & PF_X ? MAP_FLAG_EXECUTE : 0);
    if (!(segment->flags & PF_W) && segment->file_bytes > 0)
        return read_shared(file, segment->offset, part);
    if (segment->file_bytes == 0)
        return ERR_OK;
    part->data = malloc(segment->file_bytes);
    return part->data ? read_all(file, segment->offset, part->data, segment->file_bytes) : ERR_NO_MEMORY;
}

static error_t read_parts(cap_t file, struct image *image) {
    struct elf_header header;
    struct elf_segment segments[SEGMENTS_MAX];
    error_t error = read_all(file, 0, &header, sizeof(header));
    if (error)
        return error;
    if (memcmp(header.ident, "\177ELF\2\1\1", 7) != 0 || header.type != ET_DYN || header.machine != EM_X86_64 ||
        header.segment_bytes != sizeof(struct elf_segment) || header.segment_count > SEGMENTS_MAX)
        return ERR_NOT_EXECUTABLE;
    image->entry = header.entry;
    error = read_all(file, header.segments_at, segments, header.segment_count * sizeof(segments[0]));
    for (uint32_t i = 0; !error && i < header.segment_count; i++) {
        if (segments[i].type != PT_LOAD)
            continue;
        struct part *part = &image->parts[image->count++];
        error = read_part(file, &segments[i], part);
        image->bytes += part->bytes;
    }
    return error;
}

// One place for all children that share these pages. With a place for each child an emulator that keeps translated code (QEMU's
// TCG) has a translation for each of them, all of one page: when a page that a thousand children ran was used for something else,
// it stood still for a minute.
static error_t choose_place(struct image *image) {
    uint64_t random = 0;
    error_t error = system_random(&random, sizeof(random));
    image->base = UINT64_C(0x0000500000000000) + (random & UINT64_C(0x1ffffff)) * PAGE;
    return error;
}

error_t image_read(cap_t file, const char *path, const struct image **result) {
    struct image *image = &images[next_image];
    struct file_status after;
    image_drop(image);
    error_t error = file_status(file, &image->status);
    if (!error)
        error = choose_place(image);
    if (!error)
        error = read_parts(file, image);
    if (!error)
        error = file_status(file, &after);
    if (error) {
        image_drop(image);
        return error;
    }
    *result = image;
    bool is_whole = after.changed == image->status.changed && after.size == image->status.size;
    if (is_whole && image->bytes <= KEPT_MAX && strlen(path) < PATH_KEPT) { // else its place is the next one's
        strcpy(image->path, path);
        next_image = (next_image + 1) % IMAGES;
    }
    return ERR_OK;
}

static error_t map_part(const struct part *part, cap_t process, cap_t account, uint64_t base) {
    cap_t memory, narrowed = 0; // so that protect can't make data executable later
    uint64_t address, flags = part->rights | MAP_FLAG_FIXED, written;
    if (part->shared)
        return process_map(process, base + part->start, part->bytes, 0, flags, part->shared, &address);
    error_t error = account_create_memory(account, part->bytes, &memory);
    if (error)
        return error;
    for (uint64_t done = 0; !error && done < part->data_bytes; done += written)
        error = memory_write(memory, part->skip + done, part->data + done, part->data_bytes - done, &written);
    if (!error)
        error = slot_duplicate(memory, part->rights | RIGHT_COPY | RIGHT_INSPECT, &narrowed);
    if (!error)
        error = process_map(process, base + part->start, part->bytes, 0, flags, narrowed, &address);
    slot_release(narrowed);
    slot_release(memory);
    return error;
}

error_t image_load(const struct image *image, cap_t process, cap_t account, struct executable *executable) {
    error_t error = ERR_OK;
    executable->base = image->base;
    executable->length = 0;
    executable->entry = executable->base + image->entry;
    for (uint32_t i = 0; !error && i < image->count; i++) {
        const struct part *part = &image->parts[i];
        error = map_part(part, process, account, executable->base);
        if (part->start + part->bytes > executable->length)
            executable->length = part->start + part->bytes;
    }
    return error;
}
