// Filling the table: PCI functions with their regions and interrupts, and the few devices that a PC has
// beside PCI, which no bus lists. Ids: platform devices count from 1, a PCI function is 2^32 + its location.
#include "servers/devices/state.h"

#include <stddef.h>

#include "drivers/bus/pci/registers.h"
#include "drivers/framework/port.h"
#include "drivers/framework/report.h"
#include "kernel/abi/capability.h"
#include "libipc/protocols/kernel.h"

enum { LINE_LEVEL = 1, LINE_ACTIVE_LOW = 2, NO_LINE = 0xff, IDE_FIRST_NATIVE = 1, IDE_SECOND_NATIVE = 4 };

static struct pci_function functions[DEVICES_MOST];

struct device *device_add(uint64_t id) {
    struct state *state = devices.state;
    if (state->count == DEVICES_MOST)
        return NULL;
    struct device *device = &state->devices[state->count++];
    *device = (struct device){0};
    device->information.id = id;
    device->information.line = UINT32_MAX;
    return device;
}

// An ISA interrupt arrives where the firmware says. What PCI shares is level-triggered, even if nothing is
// said of it.
static void line_set(struct device *device, uint32_t index, uint32_t isa, bool pci) {
    if (isa >= ACPI_ISA_LINES)
        return;
    const struct acpi_isa_line *line = &devices.platform.isa_lines[isa];
    struct device_line *to = &device->lines[index];
    bool overridden = line->level || line->active_low || line->gsi != isa;
    to->gsi = line->gsi;
    to->flags = (line->level ? LINE_LEVEL : 0u) | (line->active_low ? LINE_ACTIVE_LOW : 0u);
    if (pci && !overridden)
        to->flags = LINE_LEVEL | LINE_ACTIVE_LOW;
    to->present = 1;
    if (index == 0)
        device->information.line = to->gsi;
}

static void region_set(struct device *device, uint32_t index, uint32_t kind, uint64_t address, uint64_t length) {
    device->information.regions[index] = (struct device_region){.address = address, .length = length, .kind = kind};
}

static void name_set(struct device *device, const struct text *text) {
    for (uint32_t i = 0; i < text->length && i + 1 < sizeof(device->information.name); i++)
        device->information.name[i] = (uint8_t)text->bytes[i];
}

static void driver_set(struct device *device) {
    const struct match_rule *rule = match_device(&device->information);
    if (rule != NULL)
        __builtin_memcpy(device->information.driver, rule->role, ROLE_NAME_BYTES);
}

// An IDE controller in compatibility mode answers at the ports that PCs always had, whatever its BARs say
// (PCI IDE Controller Specification 1.0, 2.2).
static void ide_legacy(struct device *device) {
    uint8_t interface = device->information.interface;
    if ((interface & IDE_FIRST_NATIVE) == 0) {
        region_set(device, 0, REGION_KIND_PORTS, 0x1f0, 8);
        region_set(device, 1, REGION_KIND_PORTS, 0x3f6, 1);
        line_set(device, 0, 14, false);
    }
    if ((interface & IDE_SECOND_NATIVE) == 0) {
        region_set(device, 2, REGION_KIND_PORTS, 0x170, 8);
        region_set(device, 3, REGION_KIND_PORTS, 0x376, 1);
        line_set(device, 1, 15, false);
    }
}

static void function_add(struct pci_function *function) {
    struct device *device = device_add(UINT64_C(1) << 32 | function->location);
    if (device == NULL)
        return;
    if (function->header_type == PCI_HEADER_DEVICE) // what firmware or boot loader left on
        pci_command_change(&devices.config, function->location, 0, PCI_COMMAND_MASTER);
    pci_bars_read(&devices.config, function);
    device->function = *function;
    struct device_information *information = &device->information;
    information->bus = BUS_KIND_PCI;
    information->location = function->location;
    information->vendor = function->vendor;
    information->device = function->device;
    information->subsystem_vendor = function->subsystem_vendor;
    information->subsystem = function->subsystem;
    information->class = function->class;
    information->subclass = function->subclass;
    information->interface = function->interface;
    information->revision = function->revision;
    for (uint32_t i = 0; i < DEVICE_REGIONS; i++) {
        const struct pci_bar *bar = &function->bars[i];
        if (bar->length != 0)
            region_set(device, i, bar->ports ? REGION_KIND_PORTS : REGION_KIND_MEMORY, bar->address, bar->length);
        information->regions[i].flags = bar->prefetchable;
    }
    if (function->interrupt_pin != 0 && function->interrupt_line != NO_LINE)
        line_set(device, 0, function->interrupt_line, true);
    if (function->class == PCI_CLASS_STORAGE && function->subclass == PCI_SUBCLASS_IDE)
        ide_legacy(device);
    struct text name = {0};
    if (function->location >> 16 != 0) {
        text_add_hex(&name, function->location >> 16, 4);
        text_add(&name, ":");
    }
    text_add_hex(&name, function->location >> 8 & 0xff, 2);
    text_add(&name, ":");
    text_add_hex(&name, function->location >> 3 & 0x1f, 2);
    text_add(&name, ".");
    text_add_number(&name, function->location & 7);
    name_set(device, &name);
    driver_set(device);
}

void scan_pci(void) {
    uint32_t lost = 0;
    for (uint32_t i = 0; i < config_segments(); i++) {
        uint32_t segment, dropped;
        uint8_t first, last;
        config_segment(i, &segment, &first, &last);
        uint32_t room = DEVICES_MOST - devices.state->count;
        uint32_t count = pci_enumerate(&devices.config, segment, first, last, functions, room, &dropped);
        for (uint32_t at = 0; at < count; at++)
            function_add(&functions[at]);
        lost += dropped;
    }
    if (lost != 0) {
        struct text text = {0};
        text_add_number(&text, lost);
        text_add(&text, " devices are left out: the table is full");
        report(REPORT_WARNING, &text);
    }
}

static struct device *platform_add(const char *name) {
    struct device *device = device_add(devices.state->count + 1);
    if (device == NULL)
        return NULL;
    struct text text = {0};
    text_add(&text, name);
    device->information.bus = BUS_KIND_PLATFORM;
    name_set(device, &text);
    return device;
}

// A UART keeps what is written to its scratch register; nothing there reads as ones.
static bool uart_present(uint64_t base) {
    enum { SCRATCH = 7, PATTERN = 0x5a };
    if (ports_attach(base, SCRATCH + 1) != ERR_OK)
        return false;
    port_write8((uint16_t)(base + SCRATCH), PATTERN);
    return port_read8((uint16_t)(base + SCRATCH)) == PATTERN;
}

static void uart_add(const char *name, uint64_t base, uint32_t line) {
    struct device *device = uart_present(base) ? platform_add(name) : NULL;
    if (device == NULL)
        return;
    region_set(device, 0, REGION_KIND_PORTS, base, 8);
    line_set(device, 0, line, false);
    driver_set(device);
}

static void framebuffer_add(void) {
    struct framebuffer screen;
    if (kernel_framebuffer(SLOT_KERNEL, &screen) != ERR_OK || screen.kind == 0)
        return;
    struct device *device = platform_add("framebuffer");
    if (device == NULL)
        return;
    region_set(device, 0, REGION_KIND_MEMORY, screen.address, (uint64_t)screen.pitch * screen.height);
    device->region_flags[0] = screen.kind == 1; // write-combining, for pixels
    driver_set(device);
}

// The battery-backed clock. The kernel reads it once, before any driver runs.
static void rtc_add(void) {
    struct device *device = platform_add("rtc");
    if (device == NULL)
        return;
    region_set(device, 0, REGION_KIND_PORTS, 0x70, 2);
    line_set(device, 0, 8, false);
    driver_set(device);
}

void scan_platform(void) {
    struct device *device = (devices.platform.flags & ACPI_HAS_I8042) != 0 || (devices.platform.flags & ACPI_HAS_FADT) == 0
                                ? platform_add("ps2")
                                : NULL;
    if (device != NULL) {
        region_set(device, 0, REGION_KIND_PORTS, 0x60, 1);
        region_set(device, 1, REGION_KIND_PORTS, 0x64, 1);
        line_set(device, 0, 1, false);
        line_set(device, 1, 12, false);
        driver_set(device);
    }
    uart_add("uart0", 0x3f8, 4);
    uart_add("uart1", 0x2f8, 3);
    framebuffer_add();
    rtc_add();
}
