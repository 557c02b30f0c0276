// See platform.h.
#include "kernel/debug/log.h"
#include "kernel/irq/controller.h"
#include "kernel/x86_64/clock.h"
#include "kernel/x86_64/cpu_features.h"
#include "kernel/x86_64/entropy.h"
#include "kernel/x86_64/fpu.h"
#include "kernel/x86_64/ioapic.h"
#include "kernel/x86_64/lapic.h"
#include "kernel/x86_64/pic.h"
#include "kernel/x86_64/platform.h"
#include "kernel/x86_64/registers.h"
#include "kernel/x86_64/vectors.h"

static const struct acpi_information *acpi;

static void controllers_initialize(void) {
    pic_initialize();
    irq_controller = &pic_controller;
    if (lapic_initialize() == ERR_OK) {
        lapic_enable(acpi, acpi->ioapic_count == 0);
        if (ioapic_initialize(acpi) == ERR_OK)
            irq_controller = &ioapic_controller;
        else if (acpi->ioapic_count != 0)
            lapic_enable(acpi, true);
    }
    log_write(LOG_INFO, "irq: lines by %s, %s", irq_controller->name,
              lapic_present() ? "a local APIC on each CPU" : "no local APIC");
}

static void protections_enable(void) {
    cr4_write(cr4_read() | CR4_GLOBAL_PAGES | (cpu_features.smep ? CR4_SMEP : 0) | (cpu_features.smap ? CR4_SMAP : 0) |
              (cpu_features.umip ? CR4_UMIP : 0));
}

void platform_initialize(const struct boot_info *info, bool deterministic) {
    cpu_features_detect();
    cpu_features_log();
    protections_enable();
    entropy_initialize(info, deterministic);
    acpi = &info->acpi;
    if (!(acpi->flags & ACPI_HAS_MADT) || (acpi->flags & ACPI_TABLES_BAD))
        log_write(LOG_WARNING, "acpi: tables are missing or bad: what they would say is assumed to be as in a plain PC");
    log_write(LOG_INFO, "acpi: %u CPUs, %u IOAPICs, %u ECAM segments, flags %x", acpi->cpu_count, acpi->ioapic_count,
              acpi->ecam_count, acpi->flags);
    controllers_initialize();
    fpu_initialize();
    fpu_enable();
    clock_initialize(info);
    clock_enable();
    if (!lapic_present()) {
        uint8_t vector; // the PIT is the alarm
        if (irq_controller->route(0, IRQ_EDGE, IRQ_ACTIVE_HIGH, &vector) == ERR_OK)
            irq_controller->unmask(0);
    }
}

void platform_enable_cpu(void) {
    lapic_enable(acpi, false);
    clock_enable();
    fpu_enable();
}

const struct acpi_information *platform_acpi(void) {
    return acpi;
}
