// Power by ACPI (specification 6.4, 4.8.3.7 and 7.4.2: SLP_TYP and SLP_EN in PM1 control), restart by the ACPI reset
// register or the keyboard controller.
#include "kernel/x86_64/power.h"

#include "kernel/abi/methods.h"
#include "kernel/x86_64/platform.h"
#include "kernel/x86_64/registers.h"

enum { SLEEP_ENABLE = 1 << 13, SCI_ENABLE = 1, DEBUG_EXIT_PORT = 0x501, ADDRESS_SPACE_IO = 1 };
enum { KEYBOARD_COMMAND = 0x64, KEYBOARD_RESET = 0xfe, RESET_PORT = 0xcf9, RESET_FULL = 0x06 };

static void power_off(const struct acpi_information *acpi) {
    if (!(acpi->flags & ACPI_HAS_S5) || acpi->pm1a_control.space != ADDRESS_SPACE_IO)
        return;
    uint16_t port = (uint16_t)acpi->pm1a_control.address;
    if (acpi->smi_command_port && acpi->acpi_enable_value && !(port_read16(port) & SCI_ENABLE))
        port_write8(acpi->smi_command_port, acpi->acpi_enable_value);
    port_write16(port, (uint16_t)(acpi->sleep_type_a << 10 | SLEEP_ENABLE));
    if (acpi->pm1b_control.address)
        port_write16((uint16_t)acpi->pm1b_control.address, (uint16_t)(acpi->sleep_type_b << 10 | SLEEP_ENABLE));
}

static void restart(const struct acpi_information *acpi) {
    if ((acpi->flags & ACPI_HAS_RESET) && acpi->reset_register.space == ADDRESS_SPACE_IO)
        port_write8((uint16_t)acpi->reset_register.address, acpi->reset_value);
    port_write8(RESET_PORT, RESET_FULL);
    port_write8(KEYBOARD_COMMAND, KEYBOARD_RESET);
}

void power_action(uint64_t action) {
    const struct acpi_information *acpi = platform_acpi();
    if (action == POWER_ACTION_OFF)
        power_off(acpi);
    else if (action == POWER_ACTION_RESTART)
        restart(acpi);
    else if (action == POWER_ACTION_DEBUG_EXIT)
        port_write8(DEBUG_EXIT_PORT, 0);
}
