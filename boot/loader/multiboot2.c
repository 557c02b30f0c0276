// The multiboot2 information as the loader leaves it: a length, then tags of type and size on 8-byte
// boundaries. Every tag is copied before it is looked at, so alignment and short tags cannot hurt. Called
// once, by loader_main.
#include "boot/loader/multiboot2.h"

#include <stdbool.h>
#include <stddef.h>

#include "boot/loader/memory_map.h"
#include "kernel/x86_64/string.h"

enum multiboot2_tag {
    TAG_END = 0,
    TAG_COMMAND_LINE = 1,
    TAG_MODULE = 3,
    TAG_MEMORY_MAP = 6,
    TAG_FRAMEBUFFER = 8,
    TAG_EFI32_TABLE = 11,
    TAG_EFI64_TABLE = 12,
    TAG_ACPI_OLD = 14,
    TAG_ACPI_NEW = 15,
};

struct information {
    const uint8_t *bytes;
    uint32_t length;
};

struct tag {
    uint32_t type;
    const uint8_t *data; // after the tag's header
    uint32_t length;     // of data
};

struct memory_entry {
    uint64_t address, length;
    uint32_t type, reserved;
};

struct framebuffer_data {
    uint64_t address;
    uint32_t pitch, width, height;
    uint8_t bits_per_pixel, type;
    uint16_t reserved;
    uint8_t red_position, red_size, green_position, green_size, blue_position, blue_size;
} __attribute__((packed));

// Copies up to size bytes of the tag, zeros after its end.
static void tag_copy(const struct tag *tag, void *to, size_t size) {
    memset(to, 0, size);
    memcpy(to, tag->data, tag->length < size ? tag->length : size);
}

// Steps *offset over the next tag. False at the end tag, or with *malformed set if a tag does not fit.
static bool tag_next(const struct information *in, uint32_t *offset, struct tag *tag, bool *malformed) {
    uint32_t header[2];
    if (*offset > in->length || in->length - *offset < sizeof header) {
        *malformed = true;
        return false;
    }
    memcpy(header, in->bytes + *offset, sizeof header);
    if (header[1] < sizeof header || header[1] > in->length - *offset) {
        *malformed = true;
        return false;
    }
    *tag = (struct tag){header[0], in->bytes + *offset + sizeof header, header[1] - (uint32_t)sizeof header};
    uint32_t step = (header[1] + 7) & ~UINT32_C(7);
    *offset = step > in->length - *offset ? in->length : *offset + step;
    return header[0] != TAG_END;
}

static void command_line_read(const struct tag *tag, struct boot_info *out) {
    tag_copy(tag, out->command_line, sizeof out->command_line);
    out->command_line[sizeof out->command_line - 1] = '\0';
}

// The kernel, then the initrd; others are not known.
static void module_read(const struct tag *tag, struct boot_info *out, struct boot_input *input) {
    uint32_t bounds[2];
    tag_copy(tag, bounds, sizeof bounds);
    if (bounds[1] <= bounds[0])
        return;
    if (input->kernel_length == 0) {
        input->kernel_start = bounds[0];
        input->kernel_length = bounds[1] - bounds[0];
    } else if (out->initrd_length == 0) {
        out->initrd_start = bounds[0];
        out->initrd_length = bounds[1] - bounds[0];
    }
}

static void framebuffer_read(const struct tag *tag, struct boot_info *out) {
    struct framebuffer_data data;
    tag_copy(tag, &data, sizeof data);
    bool rgb = data.type == 1 && data.bits_per_pixel >= 15 && data.bits_per_pixel <= 32;
    bool text = data.type == 2;
    if ((!rgb && !text) || data.width == 0 || data.height == 0 || data.width > 32768 || data.height > 32768 ||
        data.pitch > 32768 * 4 || (uint64_t)data.pitch * 8 < (uint64_t)data.width * data.bits_per_pixel)
        return;
    out->framebuffer = (struct boot_framebuffer){
        .address = data.address,
        .pitch = data.pitch,
        .width = data.width,
        .height = data.height,
        .bits_per_pixel = data.bits_per_pixel,
        .kind = data.type,
        .red_position = data.red_position,
        .red_size = data.red_size,
        .green_position = data.green_position,
        .green_size = data.green_size,
        .blue_position = data.blue_position,
        .blue_size = data.blue_size,
    };
}

// ACPI 6.4, section 5.2.5.3: revision 0 is 20 bytes long, later ones 36. The new form wins.
static void rsdp_read(const struct tag *tag, struct boot_input *input) {
    uint32_t size = tag->type == TAG_ACPI_NEW ? 36 : 20;
    if (tag->length < size || (tag->type == TAG_ACPI_OLD && input->has_rsdp))
        return;
    memset(input->rsdp, 0, sizeof input->rsdp);
    memcpy(input->rsdp, tag->data, size);
    input->has_rsdp = true;
}

// The kinds of section 3.6.8: 1 is RAM, 3 ACPI tables, 4 must survive sleep; anything else is not for us.
static uint32_t memory_kind(uint32_t type) {
    if (type == 1)
        return BOOT_MEMORY_FREE;
    return type == 3 || type == 4 ? BOOT_MEMORY_ACPI : BOOT_MEMORY_RESERVED;
}

// Three passes, so that where entries overlap the more careful kind wins, whatever their order.
static error_t memory_map_read(const struct tag *tag, struct boot_info *out) {
    uint32_t header[2]; // entry size, entry version
    if (tag->length < sizeof header)
        return ERR_BAD_MESSAGE;
    memcpy(header, tag->data, sizeof header);
    if (header[0] < offsetof(struct memory_entry, reserved))
        return ERR_BAD_MESSAGE;
    static const uint8_t passes[] = {BOOT_MEMORY_FREE, BOOT_MEMORY_ACPI, BOOT_MEMORY_RESERVED};
    const uint64_t limit = (uint64_t)BOOT_PHYSICAL_LIMIT_GIB << 30;
    for (size_t pass = 0; pass < sizeof passes; pass++) {
        for (uint32_t at = sizeof header; tag->length - at >= header[0]; at += header[0]) {
            struct memory_entry entry;
            memcpy(&entry, tag->data + at, offsetof(struct memory_entry, reserved));
            if (memory_kind(entry.type) != passes[pass] || entry.address >= limit)
                continue;
            uint64_t end = entry.length > limit - entry.address ? limit : entry.address + entry.length;
            memory_map_paint(out, entry.address, end, passes[pass]);
        }
    }
    return ERR_OK;
}

error_t multiboot2_parse(const void *address, uint64_t size_limit, struct boot_info *out, struct boot_input *input) {
    struct information in = {.bytes = address};
    memset(out, 0, sizeof *out);
    memset(input, 0, sizeof *input);
    if (size_limit < 16)
        return ERR_BAD_MESSAGE;
    memcpy(&in.length, address, sizeof in.length);
    if (in.length < 16 || in.length > size_limit)
        return ERR_BAD_MESSAGE;
    uint32_t offset = 8;
    struct tag tag;
    bool malformed = false, has_memory = false;
    while (tag_next(&in, &offset, &tag, &malformed)) {
        if (tag.type == TAG_COMMAND_LINE)
            command_line_read(&tag, out);
        else if (tag.type == TAG_MODULE)
            module_read(&tag, out, input);
        else if (tag.type == TAG_FRAMEBUFFER)
            framebuffer_read(&tag, out);
        else if (tag.type == TAG_ACPI_OLD || tag.type == TAG_ACPI_NEW)
            rsdp_read(&tag, input);
        else if (tag.type == TAG_EFI32_TABLE || tag.type == TAG_EFI64_TABLE)
            out->from_efi = 1;
        else if (tag.type == TAG_MEMORY_MAP) {
            error_t error = memory_map_read(&tag, out);
            if (error != ERR_OK)
                return error;
            has_memory = true;
        }
    }
    if (malformed)
        return ERR_BAD_MESSAGE;
    return has_memory ? ERR_OK : ERR_NOT_FOUND;
}
