// See platform.h. Power off by ACPI (specification 6.4, 4.8.3.7 and 7.4.2: SLP_TYP and SLP_EN in PM1 control), restart by the
// ACPI reset register or the keyboard controller.
#include "kernel/x86_64/platform.h"

#include "kernel/abi/methods.h"
#include "kernel/debug/log.h"
#include "kernel/x86_64/clock.h"
#include "kernel/x86_64/cpu_features.h"
#include "kernel/x86_64/descriptors.h"
#include "kernel/x86_64/entropy.h"
#include "kernel/x86_64/fpu.h"
#include "kernel/x86_64/ioapic.h"
#include "kernel/x86_64/lapic.h"
#include "kernel/x86_64/paging.h"
#include "kernel/x86_64/pic.h"
#include "kernel/x86_64/registers.h"

enum { SLEEP_ENABLE = 1 << 13, SCI_ENABLE = 1, DEBUG_EXIT_PORT = 0x501, ADDRESS_SPACE_IO = 1 };
enum { KEYBOARD_COMMAND = 0x64, KEYBOARD_RESET = 0xfe, RESET_PORT = 0xcf9, RESET_FULL = 0x06 };

static const struct acpi_information *acpi;

static void cpu_enable(bool external_interrupts) {
    cr4_write(cr4_read() | (paging_isolated ? 0 : CR4_GLOBAL_PAGES) | (cpu_features.smep ? CR4_SMEP : 0) |
              (cpu_features.smap ? CR4_SMAP : 0) | (cpu_features.umip ? CR4_UMIP : 0));
    if (lapic_present())
        lapic_enable(external_interrupts);
    fpu_enable();
}

void platform_initialize(const struct boot_info *info) {
    uint8_t vector;
    acpi = &info->acpi;
    if (!(acpi->flags & ACPI_HAS_MADT) || (acpi->flags & ACPI_TABLES_BAD))
        log_write(LOG_WARNING, "acpi: tables are missing or bad: what they would say is assumed to be as in a plain PC");
    cpu_features_detect();
    paging_isolated =
        info->isolation == BOOT_ISOLATION_ON || (info->isolation != BOOT_ISOLATION_OFF && cpu_features.leaks_kernel_pages);
    entropy_initialize(info);
    fpu_initialize();
    lapic_initialize(info->lapic_address);
    irq_controller = lapic_present() && ioapic_initialize(acpi) ? &ioapic_controller : &pic_controller;
    cpu_enable(irq_controller == &pic_controller);
    descriptors_choose_entry();
    log_write(LOG_INFO, "irq: lines by %s, %s", irq_controller->name,
              lapic_present() ? "a local APIC on each CPU" : "no local APIC");
    if (paging_isolated)
        log_write(LOG_INFO, "memory: programs run on page tables of their own");
    clock_initialize(info);
    if (!lapic_present() && irq_controller->route(0, false, false, &vector) == ERR_OK)
        irq_controller->mask(0, false); // the PIT is the alarm
}

void platform_enable_cpu(void) {
    cpu_enable(false);
}

static void power_off(void) {
    if (!(acpi->flags & ACPI_HAS_S5) || acpi->pm1a_control.space != ADDRESS_SPACE_IO)
        return;
    uint16_t port = (uint16_t)acpi->pm1a_control.address;
    if (acpi->smi_command_port && acpi->acpi_enable_value && !(port_read16(port) & SCI_ENABLE))
        port_write8(acpi->smi_command_port, acpi->acpi_enable_value);
    port_write16(port, (uint16_t)(acpi->sleep_type_a << 10 | SLEEP_ENABLE));
    if (acpi->pm1b_control.address)
        port_write16((uint16_t)acpi->pm1b_control.address, (uint16_t)(acpi->sleep_type_b << 10 | SLEEP_ENABLE));
}

static void restart(void) {
    if ((acpi->flags & ACPI_HAS_RESET) && acpi->reset_register.space == ADDRESS_SPACE_IO)
        port_write8((uint16_t)acpi->reset_register.address, acpi->reset_value);
    port_write8(RESET_PORT, RESET_FULL);
    port_write8(KEYBOARD_COMMAND, KEYBOARD_RESET);
}

void platform_power(uint64_t action) {
    if (action == POWER_ACTION_OFF)
        power_off();
    else if (action == POWER_ACTION_RESTART)
        restart();
    else if (action == POWER_ACTION_DEBUG_EXIT)
        port_write8(DEBUG_EXIT_PORT, 0);
}
