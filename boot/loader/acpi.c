// See acpi.h. Tables are reached through firmware_map, so nothing is assumed about where the firmware put
// them.
#include <stdbool.h>
#include <stddef.h>

#include "boot/loader/acpi.h"

enum { HEADER_LENGTH = 36, RSDP_V1_LENGTH = 20, RSDP_V2_LENGTH = 36 };
enum { TABLE_LENGTH_MAX = 1 << 20, ROOT_ENTRIES_MAX = 128, SPACE_IO = 1 };

struct table {
    const uint8_t *bytes;
    uint32_t length;
};

// A little-endian number inside a table; one that lies beyond the end reads as 0, as older and shorter
// revisions mean it.
static uint64_t field(struct table table, uint32_t offset, uint32_t size) {
    uint64_t value = 0;
    if (offset > table.length || size > table.length - offset)
        return 0;
    for (uint32_t index = size; index-- > 0;)
        value = value << 8 | table.bytes[offset + index];
    return value;
}

static bool sum_is_zero(const uint8_t *bytes, uint32_t length) {
    uint8_t sum = 0;
    for (uint32_t index = 0; index < length; index++)
        sum = (uint8_t)(sum + bytes[index]);
    return sum == 0;
}

static bool signature_is(const uint8_t *bytes, const char *signature) {
    for (; *signature; bytes++, signature++)
        if (*bytes != (uint8_t)*signature)
            return false;
    return true;
}

static bool table_open(struct acpi_information *acpi, uint64_t physical, const char *signature, struct table *table) {
    struct table header = {physical ? firmware_map(physical, HEADER_LENGTH) : NULL, HEADER_LENGTH};
    if (!header.bytes || !signature_is(header.bytes, signature))
        return false;
    table->length = (uint32_t)field(header, 4, 4);
    if (table->length >= HEADER_LENGTH && table->length <= TABLE_LENGTH_MAX) {
        table->bytes = firmware_map(physical, table->length);
        if (table->bytes && sum_is_zero(table->bytes, table->length))
            return true;
    }
    acpi->flags |= ACPI_TABLES_BAD;
    return false;
}

static struct acpi_register register_read(struct table table, uint32_t offset) {
    return (struct acpi_register){.address = field(table, offset + 4, 8),
                                  .space = (uint8_t)field(table, offset, 1),
                                  .bit_width = (uint8_t)field(table, offset + 1, 1),
                                  .bit_offset = (uint8_t)field(table, offset + 2, 1),
                                  .access_size = (uint8_t)field(table, offset + 3, 1)};
}

// The 64-bit form of a register where the table has it, else the port of older tables.
static struct acpi_register register_choose(struct table fadt, uint32_t extended, uint32_t port, uint8_t width) {
    struct acpi_register result = register_read(fadt, extended);
    if (result.address == 0) {
        result = (struct acpi_register){.address = field(fadt, port, 4), .space = SPACE_IO, .bit_width = width};
    }
    return result;
}

// MPS INTI flags (5.2.12.5): "as the bus has it" means edge and active high for ISA.
static bool inti_active_low(uint64_t flags) {
    return (flags & 3) == 3;
}

static bool inti_level(uint64_t flags) {
    return (flags >> 2 & 3) == 3;
}

static void cpu_add(struct acpi_information *acpi, uint32_t apic_id, uint64_t flags) {
    if ((flags & 3) == 0)
        return; // a socket without a processor, for ever
    for (uint32_t index = 0; index < acpi->cpu_count; index++)
        if (acpi->cpus[index].apic_id == apic_id)
            return;
    if (acpi->cpu_count == ACPI_CPUS) {
        acpi->flags |= ACPI_CPUS_DROPPED;
        return;
    }
    acpi->cpus[acpi->cpu_count++] = (struct acpi_cpu){.apic_id = apic_id, .enabled = flags & 1};
}

// One entry of the MADT (5.2.12.2 and following); `entry` ends where the entry does.
static void madt_entry_read(struct acpi_information *acpi, struct table entry) {
    static const uint8_t lengths[] = {[0] = 8, [1] = 12, [2] = 10, [9] = 16};
    uint8_t kind = entry.bytes[0];
    if (kind >= sizeof lengths || lengths[kind] == 0 || entry.length < lengths[kind])
        return;
    switch (kind) {
    case 0: // local APIC
        if (entry.bytes[3] != 0xff)
            cpu_add(acpi, entry.bytes[3], field(entry, 4, 4));
        break;
    case 1: // IOAPIC
        if (acpi->ioapic_count < ACPI_IOAPICS) {
            acpi->ioapics[acpi->ioapic_count++] = (struct acpi_ioapic){
                .address = field(entry, 4, 4), .gsi_base = (uint32_t)field(entry, 8, 4), .id = entry.bytes[2]};
        }
        break;
    case 2: // interrupt source override; bus 0 is ISA
        if (entry.bytes[2] == 0 && entry.bytes[3] < ACPI_ISA_LINES) {
            uint64_t flags = field(entry, 8, 2);
            acpi->isa_lines[entry.bytes[3]] = (struct acpi_isa_line){
                .gsi = (uint32_t)field(entry, 4, 4), .level = inti_level(flags), .active_low = inti_active_low(flags)};
        }
        break;
    case 9: // local x2APIC
        if (field(entry, 4, 4) != 0xffffffff)
            cpu_add(acpi, (uint32_t)field(entry, 4, 4), field(entry, 8, 4));
        break;
    }
}

static void madt_read(struct acpi_information *acpi, struct table madt) {
    acpi->flags |= ACPI_HAS_MADT;
    if (!(field(madt, 40, 4) & 1))
        acpi->flags &= ~(uint32_t)ACPI_HAS_8259;
    for (uint32_t offset = 44; offset + 2 <= madt.length;) {
        uint8_t length = madt.bytes[offset + 1];
        if (length < 2 || length > madt.length - offset) {
            acpi->flags |= ACPI_TABLES_BAD;
            break;
        }
        madt_entry_read(acpi, (struct table){madt.bytes + offset, length});
        offset += length;
    }
}

static void hpet_read(struct acpi_information *acpi, struct table hpet) {
    struct acpi_register base = register_read(hpet, 40);
    if (base.space == 0 && base.address != 0) {
        acpi->hpet_address = base.address;
        acpi->flags |= ACPI_HAS_HPET;
    }
}

static void mcfg_read(struct acpi_information *acpi, struct table mcfg) {
    for (uint32_t offset = 44; mcfg.length >= 16 && offset <= mcfg.length - 16; offset += 16) {
        struct acpi_ecam ecam = {.address = field(mcfg, offset, 8),
                                 .segment = (uint16_t)field(mcfg, offset + 8, 2),
                                 .first_bus = mcfg.bytes[offset + 10],
                                 .last_bus = mcfg.bytes[offset + 11]};
        if (acpi->ecam_count < ACPI_ECAM_SEGMENTS && ecam.address != 0 && ecam.first_bus <= ecam.last_bus) {
            acpi->ecams[acpi->ecam_count++] = ecam;
            acpi->flags |= ACPI_HAS_MCFG;
        }
    }
}

// AML integer of a sleep type (20.2.3); false if it is none of the forms that firmware uses there.
static bool sleep_type_read(struct table dsdt, uint32_t *offset, uint8_t *value) {
    uint64_t opcode = field(dsdt, *offset, 1);
    uint32_t size = opcode == 0x0a ? 1 : opcode == 0x0b ? 2 : opcode == 0x0c ? 4 : 0;
    if (*offset + 1 + size > dsdt.length || (size == 0 && opcode > 1))
        return false;
    *value = (uint8_t)(size ? field(dsdt, *offset + 1, size) & 7 : opcode);
    *offset += 1 + size;
    return true;
}

// Finds Name(_S5, Package{a, b, ...}) by its bytes: the kernel has no AML interpreter, and needs no more than
// this to turn the machine off (7.4.2, 20.2.5.1).
static void sleep_types_find(struct acpi_information *acpi, struct table dsdt) {
    for (uint32_t offset = HEADER_LENGTH; dsdt.length >= 8 && offset <= dsdt.length - 8; offset++) {
        bool named = dsdt.bytes[offset - 1] == 0x08 || (dsdt.bytes[offset - 1] == '\\' && dsdt.bytes[offset - 2] == 0x08);
        if (!named || !signature_is(dsdt.bytes + offset, "_S5_") || dsdt.bytes[offset + 4] != 0x12)
            continue;
        uint32_t next = offset + 5;
        next += 1 + (dsdt.bytes[next] >> 6); // package length: up to three more bytes
        next += 1;                           // number of elements
        uint8_t a, b;
        if (sleep_type_read(dsdt, &next, &a) && sleep_type_read(dsdt, &next, &b)) {
            acpi->sleep_type_a = a;
            acpi->sleep_type_b = b;
            acpi->flags |= ACPI_HAS_S5;
            return;
        }
    }
}

// 5.2.9. The boot-architecture word has a meaning from revision 2 on.
static void fadt_read(struct acpi_information *acpi, struct table fadt) {
    uint64_t revision = field(fadt, 8, 1), flags = field(fadt, 112, 4);
    acpi->flags |= ACPI_HAS_FADT;
    acpi->sci_gsi = (uint32_t)field(fadt, 46, 2);
    acpi->smi_command_port = (uint16_t)field(fadt, 48, 4);
    acpi->acpi_enable_value = (uint8_t)field(fadt, 52, 1);
    acpi->pm1a_control = register_choose(fadt, 172, 64, 16);
    acpi->pm1b_control = register_choose(fadt, 184, 68, 16);
    acpi->pm_timer = register_choose(fadt, 208, 76, 32);
    acpi->century_register = (uint8_t)field(fadt, 108, 1);
    if (flags & 1 << 8)
        acpi->flags |= ACPI_PM_TIMER_32;
    if (flags & 1 << 10) {
        acpi->reset_register = register_read(fadt, 116);
        acpi->reset_value = (uint8_t)field(fadt, 128, 1);
        acpi->flags |= acpi->reset_register.address ? ACPI_HAS_RESET : 0;
    }
    if (revision >= 2 && !(field(fadt, 109, 2) & 1 << 1))
        acpi->flags &= ~(uint32_t)ACPI_HAS_I8042;
    struct table dsdt;
    uint64_t address = field(fadt, 140, 8) ? field(fadt, 140, 8) : field(fadt, 40, 4);
    if (table_open(acpi, address, "DSDT", &dsdt))
        sleep_types_find(acpi, dsdt);
}

static const struct {
    const char *signature;
    void (*read)(struct acpi_information *acpi, struct table table);
} readers[] = {{"APIC", madt_read}, {"FACP", fadt_read}, {"HPET", hpet_read}, {"MCFG", mcfg_read}};

static void root_read(struct acpi_information *acpi, struct table root, uint32_t entry_size) {
    uint32_t seen = 0;
    uint32_t count = (root.length - HEADER_LENGTH) / entry_size;
    for (uint32_t entry = 0; entry < count && entry < ROOT_ENTRIES_MAX; entry++) {
        uint64_t physical = field(root, HEADER_LENGTH + entry * entry_size, entry_size);
        const uint8_t *header = physical ? firmware_map(physical, HEADER_LENGTH) : NULL;
        for (uint32_t kind = 0; header && kind < sizeof readers / sizeof readers[0]; kind++) {
            struct table table;
            // The first good table of a kind counts.
            if (!(seen & 1u << kind) && signature_is(header, readers[kind].signature) &&
                table_open(acpi, physical, readers[kind].signature, &table)) {
                seen |= 1u << kind;
                readers[kind].read(acpi, table);
            }
        }
    }
}

error_t acpi_read(const uint8_t *rsdp, struct acpi_information *acpi) {
    struct table rsdp_table = {rsdp, RSDP_V2_LENGTH}, root;
    *acpi = (struct acpi_information){.flags = ACPI_HAS_I8042 | ACPI_HAS_8259, .sci_gsi = 9};
    for (uint32_t line = 0; line < ACPI_ISA_LINES; line++)
        acpi->isa_lines[line].gsi = line;
    if (!rsdp || !signature_is(rsdp, "RSD PTR ") || !sum_is_zero(rsdp, RSDP_V1_LENGTH))
        return ERR_NOT_FOUND;
    if (field(rsdp_table, 15, 1) >= 2 && sum_is_zero(rsdp, RSDP_V2_LENGTH) &&
        table_open(acpi, field(rsdp_table, 24, 8), "XSDT", &root)) {
        root_read(acpi, root, 8);
        return ERR_OK;
    }
    if (table_open(acpi, field(rsdp_table, 16, 4), "RSDT", &root)) {
        root_read(acpi, root, 4);
        return ERR_OK;
    }
    return ERR_CORRUPT;
}
