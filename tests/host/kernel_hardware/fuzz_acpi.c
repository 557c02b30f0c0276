// libFuzzer's way into the ACPI reader: the input overwrites a valid machine's memory from an address that it
// names, and the checksums are made right again, so that what is behind them is reached.
#include <string.h>

#include "boot/loader/acpi.h"
#include "tests/host/kernel_hardware/acpi_image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length) {
    static uint8_t rsdp[36];
    static struct acpi_information acpi;
    image_machine(rsdp);
    if (length >= 2) {
        uint32_t address = (uint32_t)(data[0] | data[1] << 8) % IMAGE_BYTES;
        size_t part = length - 2 < IMAGE_BYTES - address ? length - 2 : IMAGE_BYTES - address;
        memcpy(image + address, data + 2, part);
        image_checksums_fix();
    }
    (void)!acpi_read(rsdp, &acpi);
    image_mappings_free();
    if (acpi.cpu_count > ACPI_CPUS || acpi.ecam_count > ACPI_ECAM_SEGMENTS || acpi.ioapic_count > ACPI_IOAPICS)
        __builtin_trap();
    return 0;
}
