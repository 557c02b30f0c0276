// Reads the firmware's ACPI tables into struct acpi_information, once at boot. The tables are hostile input:
// every length is checked against the table's own end, every table's checksum is verified, every loop is
// bounded; a bad table is left out, as if it were not there, and that it was is kept in the flags.
#pragma once

#include "kernel/abi/errors.h"
#include "kernel/abi/platform_info.h"

// Memory that the firmware filled; NULL if it can't be reached. Given by whoever links this file.
const void *firmware_map(uint64_t physical, uint64_t length) MUST_USE;

// rsdp: a copy of 36 bytes, or NULL. Always leaves `acpi` usable: what the tables do not say has the value of
// a PC without ACPI. ERR_NOT_FOUND: there is no RSDP; ERR_CORRUPT: neither RSDT nor XSDT can be trusted. ACPI
// Specification 6.4, 5.2.
error_t acpi_read(const uint8_t *rsdp, struct acpi_information *acpi) MUST_USE;
