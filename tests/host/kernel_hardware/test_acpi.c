// ACPI tables: every field of a machine that uses every kind of entry, each way in which firmware can be
// wrong that we know of, and 10,000 seeded random mutations, after which the result must still be within its
// own bounds.
#include <string.h>

#include "boot/loader/acpi.h"
#include "tests/host/kernel_hardware/acpi_image.h"
#include "tests/host/kernel_hardware/check.h"

static uint8_t rsdp[36];
static struct acpi_information acpi;

static error_t read_again(void) {
    memset(&acpi, 0xee, sizeof acpi);
    error_t error = acpi_read(rsdp, &acpi);
    image_mappings_free();
    return error;
}

static void processors_test(void) {
    CHECK(acpi.cpu_count == 4 && acpi.ioapic_count == 2 && acpi.ecam_count == 2);
    CHECK(acpi.cpus[0].apic_id == 0 && acpi.cpus[0].enabled == 1);
    CHECK(acpi.cpus[1].apic_id == 2);
    CHECK(acpi.cpus[2].apic_id == 6 && acpi.cpus[2].enabled == 0);
    CHECK(acpi.cpus[3].apic_id == 300 && acpi.cpus[3].enabled == 1);
    CHECK(acpi.ioapics[1].address == 0xfec01000 && acpi.ioapics[1].gsi_base == 24 && acpi.ioapics[1].id == 8);
    CHECK(acpi.isa_lines[0].gsi == 2 && !acpi.isa_lines[0].level && !acpi.isa_lines[0].active_low);
    CHECK(acpi.isa_lines[9].gsi == 9 && acpi.isa_lines[9].level && acpi.isa_lines[9].active_low);
    CHECK(acpi.isa_lines[5].gsi == 5 && !acpi.isa_lines[5].level);
}

static void registers_test(void) {
    CHECK(acpi.flags == (ACPI_HAS_MADT | ACPI_HAS_FADT | ACPI_HAS_HPET | ACPI_HAS_MCFG | ACPI_HAS_S5 | ACPI_HAS_RESET |
                         ACPI_HAS_8259 | ACPI_PM_TIMER_32));
    CHECK(acpi.hpet_address == 0xfed00000 && acpi.sci_gsi == 9);
    CHECK(acpi.pm1a_control.address == 0x604 && acpi.pm1a_control.space == 1 && acpi.pm1a_control.bit_width == 16);
    CHECK(acpi.pm1b_control.address == 0x704 && acpi.pm_timer.address == 0x608);
    CHECK(acpi.reset_register.address == 0xcf9 && acpi.reset_register.bit_width == 8 && acpi.reset_value == 0x0f);
    CHECK(acpi.smi_command_port == 0xb2 && acpi.acpi_enable_value == 0xf1 && acpi.century_register == 0x32);
    CHECK(acpi.sleep_type_a == 5 && acpi.sleep_type_b == 1);
    CHECK(acpi.ecams[0].address == 0xb0000000 && acpi.ecams[0].segment == 0 && acpi.ecams[0].last_bus == 0x7f);
    CHECK(acpi.ecams[1].address == 0x100000000 && acpi.ecams[1].segment == 1 && acpi.ecams[1].first_bus == 0x10);
}

static uint32_t table_find(const char *signature) {
    for (uint32_t address = 0; address < image_used; address++)
        if (memcmp(image + address, signature, 4) == 0 && memcmp(image + address + 10, "KEELSON", 7) == 0)
            return address;
    CHECK(!"table is there");
    return 0;
}

static void length_set(const char *signature, uint32_t length) {
    memcpy(image + table_find(signature) + 4, &length, 4);
    image_checksums_fix();
}

static void broken_tables_test(void) {
    image_machine(rsdp);
    image[table_find("HPET") + 50] ^= 1;
    CHECK(read_again() == ERR_OK && !(acpi.flags & ACPI_HAS_HPET) && (acpi.flags & ACPI_TABLES_BAD));
    CHECK(acpi.flags & ACPI_HAS_MADT);

    image_machine(rsdp);
    image[table_find("XSDT") + 40] ^= 1;
    CHECK(read_again() == ERR_OK && acpi.cpu_count == 4); // by the RSDT
    image[table_find("RSDT") + 40] ^= 1;
    CHECK(read_again() == ERR_CORRUPT && acpi.cpu_count == 0 && acpi.isa_lines[15].gsi == 15);

    static const uint32_t lengths[] = {0, 35, IMAGE_BYTES + 1, 0x7fffffff, 0xffffffff, (1 << 20) + 1};
    for (unsigned index = 0; index < sizeof lengths / sizeof *lengths; index++) {
        image_machine(rsdp);
        length_set("APIC", lengths[index]);
        CHECK(read_again() == ERR_OK && !(acpi.flags & ACPI_HAS_MADT) && (acpi.flags & ACPI_TABLES_BAD));
    }
    image_machine(rsdp);
    length_set("APIC", 36 + 8 + 8 + 5); // cut in the second CPU
    CHECK(read_again() == ERR_OK && acpi.cpu_count == 1 && (acpi.flags & ACPI_TABLES_BAD));
    image_machine(rsdp);
    image[table_find("APIC") + 44 + 1] = 0; // an entry of no length must not loop
    image_checksums_fix();
    CHECK(read_again() == ERR_OK && acpi.cpu_count == 0 && (acpi.flags & ACPI_TABLES_BAD));
    image_machine(rsdp);
    length_set("FACP", 116); // as ACPI 1.0 had it
    image[table_find("FACP") + 8] = 1;
    image_checksums_fix();
    CHECK(read_again() == ERR_OK && (acpi.flags & ACPI_HAS_I8042) && acpi.pm1a_control.address == 0x604);
    CHECK(acpi.pm1b_control.address == 0 && !(acpi.flags & ACPI_HAS_RESET));
    for (uint32_t cut = 36; cut < 36 + 37; cut++) { // the package ends in the middle
        image_machine(rsdp);
        length_set("DSDT", cut);
        CHECK(read_again() == ERR_OK && !(acpi.flags & ACPI_HAS_S5) == (cut < 70));
    }
}

static void rsdp_test(void) {
    CHECK(acpi_read(NULL, &acpi) == ERR_NOT_FOUND && acpi.flags == (ACPI_HAS_I8042 | ACPI_HAS_8259));
    image_machine(rsdp);
    rsdp[16] ^= 1;
    CHECK(read_again() == ERR_NOT_FOUND);
    image_machine(rsdp);
    rsdp[33] ^= 1; // only the extended checksum is wrong: the RSDT serves
    CHECK(read_again() == ERR_OK && acpi.cpu_count == 4);
    image_machine(rsdp);
    image_rsdp(rsdp, 0, 0xfffffffffffffff0);
    CHECK(read_again() == ERR_CORRUPT);
}

static void too_many_test(void) {
    uint8_t madt[8 + 100 * 8 + 20 * 12 + 20 * 6] = {0}, *next = madt + 8;
    for (uint8_t cpu = 0; cpu < 100; cpu++, next += 8)
        memcpy(next, (uint8_t[]){0, 8, cpu, cpu, 1, 0, 0, 0}, 8);
    for (uint8_t ioapic = 0; ioapic < 20; ioapic++, next += 12)
        memcpy(next, (uint8_t[]){1, 12, ioapic, 0, 0, 0, 0xc0, 0xfe, ioapic, 0, 0, 0}, 12);
    for (uint8_t nmi = 0; nmi < 20; nmi++, next += 6)
        memcpy(next, (uint8_t[]){4, 6, nmi, 0, 0, 1}, 6);
    image_clear();
    uint32_t entry = image_table("APIC", 1, madt, sizeof madt);
    image_rsdp(rsdp, image_table("RSDT", 1, &entry, 4), 0);
    CHECK(read_again() == ERR_OK && acpi.cpu_count == ACPI_CPUS && acpi.ioapic_count == ACPI_IOAPICS);
    CHECK(acpi.flags & ACPI_CPUS_DROPPED);
    CHECK(!(acpi.flags & ACPI_HAS_8259));
}

static uint64_t random_next(void) {
    static uint64_t state = 20261121;
    state ^= state << 13;
    state ^= state >> 7;
    return state ^= state << 17;
}

static void mutations_test(void) {
    unsigned survived = 0;
    for (unsigned round = 0; round < 10000; round++) {
        image_machine(rsdp);
        for (unsigned count = 1 + random_next() % 8; count > 0; count--) {
            static const uint8_t values[] = {0, 1, 0x7f, 0x80, 0xff};
            uint32_t address = 64 + (uint32_t)(random_next() % (image_used - 64));
            image[address] = random_next() % 2 ? values[random_next() % 5] : (uint8_t)random_next();
        }
        if (random_next() % 8)
            image_checksums_fix(); // else the sums alone would stop most mutations
        survived += read_again() == ERR_OK;
        CHECK(acpi.cpu_count <= ACPI_CPUS && acpi.ioapic_count <= ACPI_IOAPICS);
        CHECK(acpi.ecam_count <= ACPI_ECAM_SEGMENTS);
        CHECK(acpi.sleep_type_a <= 7 && acpi.sleep_type_b <= 7);
    }
    CHECK(survived > 5000); // most of them got past the root table
}

int main(void) {
    image_machine(rsdp);
    CHECK(read_again() == ERR_OK && !(acpi.flags & ACPI_TABLES_BAD));
    processors_test();
    registers_test();
    rsdp_test();
    broken_tables_test();
    too_many_test();
    mutations_test();
    return 0;
}
