// See acpi_image.h.
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "boot/loader/acpi.h"
#include "tests/host/kernel_hardware/acpi_image.h"
#include "tests/host/kernel_hardware/check.h"

enum { MAPPINGS = 1024, HEADER = 36 };

uint8_t image[IMAGE_BYTES];
uint32_t image_used;

static void *mappings[MAPPINGS];
static unsigned mapping_count;

const void *firmware_map(uint64_t physical, uint64_t length) {
    CHECK(length <= 1 << 20); // what a lying table can make the kernel map
    if (physical >= IMAGE_BYTES || length > IMAGE_BYTES - physical || mapping_count == MAPPINGS)
        return NULL;
    void *copy = malloc(length);
    memcpy(copy, image + physical, length);
    return mappings[mapping_count++] = copy;
}

void image_mappings_free(void) {
    while (mapping_count)
        free(mappings[--mapping_count]);
}

void image_clear(void) {
    memset(image, 0, sizeof image);
    image_used = 64; // address 0 means "no table"
}

static uint8_t sum(const uint8_t *bytes, uint32_t length) {
    uint8_t total = 0;
    while (length--)
        total = (uint8_t)(total + *bytes++);
    return total;
}

static void checksum_set(uint8_t *table, uint32_t length) {
    table[9] = (uint8_t)(table[9] - sum(table, length));
}

uint32_t image_table(const char *signature, uint8_t revision, const void *body, uint32_t length) {
    uint32_t address = image_used, total = HEADER + length;
    uint8_t *table = image + address;
    memcpy(table, signature, 4);
    memcpy(table + 4, &total, 4);
    table[8] = revision;
    memcpy(table + 10, "KEELSONTEST", 11);
    memcpy(table + HEADER, body, length);
    checksum_set(table, total);
    image_used += total + 5; // tables need not be aligned
    return address;
}

void image_checksums_fix(void) {
    static const char *const signatures[] = {"RSDT", "XSDT", "APIC", "FACP", "HPET", "MCFG", "DSDT"};
    for (uint32_t address = 0; address + HEADER <= IMAGE_BYTES; address++) {
        if (image[address] < 'A') // most of it is empty
            continue;
        for (size_t index = 0; index < sizeof signatures / sizeof *signatures; index++) {
            uint32_t length;
            memcpy(&length, image + address + 4, 4);
            if (memcmp(image + address, signatures[index], 4) == 0 && length >= HEADER && length <= IMAGE_BYTES - address)
                checksum_set(image + address, length);
        }
    }
}

void image_rsdp(uint8_t *rsdp, uint32_t rsdt, uint64_t xsdt) {
    uint32_t length = 36;
    memset(rsdp, 0, 36);
    memcpy(rsdp, "RSD PTR ", 8);
    memcpy(rsdp + 16, &rsdt, 4);
    rsdp[15] = xsdt ? 2 : 0;
    memcpy(rsdp + 20, &length, 4);
    memcpy(rsdp + 24, &xsdt, 8);
    rsdp[8] = (uint8_t)-sum(rsdp, 20);
    rsdp[32] = (uint8_t)-sum(rsdp, 36);
}

// Writes `size` bytes of a number at an offset that counts from the table's start.
static void put(uint8_t *body, uint32_t offset, uint64_t value, uint32_t size) {
    memcpy(body + offset - HEADER, &value, size);
}

void image_machine(uint8_t *rsdp) {
    static const uint8_t madt[] = {
        0,    0,  0xe0, 0xfe, 1,    0,    0,    0,                               // local APICs at fee00000, PICs too
        0,    8,  0,    0,    1,    0,    0,    0,                               // CPU uid 0, id 0
        0,    8,  1,    2,    1,    0,    0,    0,                               // CPU uid 1, id 2
        0,    8,  2,    4,    0,    0,    0,    0,                               // an empty socket
        0,    8,  3,    6,    2,    0,    0,    0,                               // can come online
        9,    16, 0,    0,    0x2c, 1,    0,    0,    1,    0, 0, 0, 9, 0, 0, 0, // x2APIC id 300, uid 9
        9,    16, 0,    0,    2,    0,    0,    0,    1,    0, 0, 0, 1, 0, 0, 0, // id 2 once more
        1,    12, 7,    0,    0,    0,    0xc0, 0xfe, 0,    0, 0, 0,             // IOAPIC 7, lines from 0
        1,    12, 8,    0,    0,    0x10, 0xc0, 0xfe, 24,   0, 0, 0,             // IOAPIC 8, lines from 24
        2,    10, 0,    0,    2,    0,    0,    0,    0,    0,                   // ISA 0 at line 2
        2,    10, 0,    9,    9,    0,    0,    0,    0x0f, 0,                   // ISA 9 level, active low
        2,    10, 1,    5,    50,   0,    0,    0,    0x0f, 0,                   // another bus: not ours
        3,    8,  5,    0,    23,   0,    0,    0,                               // NMI at line 23, edge, high
        4,    6,  0xff, 0x0d, 0,    1,                                           // NMI at LINT1 of all: level, high
        10,   12, 3,    0,    9,    0,    0,    0,    0,    0, 0, 0,             // NMI at LINT0 of uid 9, low
        0x7f, 4,  1,    2,                                                       // an unknown kind
        5,    12, 0,    0,    0,    0,    0xe0, 0xfe, 1,    0, 0, 0,             // local APICs at 1fee00000
    };
    static const uint8_t aml[] = {0x10, 0x0d, '_', 'S', '5',  '_',  0x12, 0xff, 0x08, // a name only by chance
                                  '_',  'S',  '4', '_', 0x12, 0x06, 0x04, 0x0a, 1,    0x0a, 1,    0, 0, 0x08,
                                  '_',  'S',  '5', '_', 0x12, 0x48, 0x00, 0x04, 0x0a, 5,    0x01, 0, 0, 0xa3};
    uint8_t fadt[244 - HEADER] = {0}, hpet[20] = {0}, mcfg[8 + 32] = {0};
    image_clear();
    put(fadt, 40, image_table("DSDT", 1, aml, sizeof aml), 4);
    put(fadt, 46, 9, 2);
    put(fadt, 48, 0xb2, 4);
    put(fadt, 52, 0xf1, 1);
    put(fadt, 64, 0x604, 4);
    put(fadt, 76, 0x608, 4);
    put(fadt, 108, 0x32, 1);
    put(fadt, 109, 1, 2);                // no i8042
    put(fadt, 112, 1 << 8 | 1 << 10, 4); // 32-bit PM timer, reset register
    put(fadt, 116, 1 | 8 << 8, 4);       // I/O space, 8 bits
    put(fadt, 120, 0xcf9, 8);
    put(fadt, 128, 0x0f, 1);
    put(fadt, 184, 1 | 16 << 8, 4); // PM1b in the extended form alone
    put(fadt, 188, 0x704, 8);
    put(hpet, 44, 0xfed00000, 8);
    put(mcfg, 44, 0xb0000000, 8);
    mcfg[8 + 11] = 0x7f;
    put(mcfg, 60, 0x100000000, 8);
    mcfg[8 + 16 + 8] = 1;
    mcfg[8 + 16 + 10] = 0x10;
    mcfg[8 + 16 + 11] = 0x1f;
    uint32_t entries[5] = {image_table("FACP", 3, fadt, sizeof fadt), image_table("APIC", 1, madt, sizeof madt),
                           image_table("HPET", 1, hpet, sizeof hpet), image_table("SSDT", 1, "x", 1),
                           image_table("MCFG", 1, mcfg, sizeof mcfg)};
    uint64_t wide[5];
    for (int index = 0; index < 5; index++)
        wide[index] = entries[index];
    uint32_t rsdt = image_table("RSDT", 1, entries, sizeof entries);
    image_rsdp(rsdp, rsdt, image_table("XSDT", 1, wide, sizeof wide));
}
