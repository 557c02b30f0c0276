// Reads the firmware's ACPI tables into struct acpi_information, once at boot. The tables are hostile input:
// every length is checked against the table's own end, every table's checksum is verified, every loop is
// bounded; a bad table is reported and left out, as if it were not there.
#pragma once

#include "kernel/abi/boot_info.h"
#include "kernel/abi/errors.h"
#include "kernel/abi/platform_info.h"

// Always leaves `acpi` usable: what the tables do not say has the value of a PC without ACPI. ERR_NOT_FOUND:
// there is no RSDP; ERR_CORRUPT: neither RSDT nor XSDT can be trusted. ACPI Specification 6.4, 5.2.
error_t acpi_read(const struct boot_info *info, struct acpi_information *acpi) MUST_USE;
