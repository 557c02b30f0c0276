// See ioapic.h. An IOAPIC's registers are reached through an index and a data word; the kernel lock keeps the pair together.
#include "kernel/x86_64/ioapic.h"

#include <stddef.h>

#include "kernel/debug/log.h"
#include "kernel/x86_64/lapic.h"
#include "kernel/x86_64/mmio.h"
#include "kernel/x86_64/paging.h"
#include "kernel/x86_64/registers.h"
#include "kernel/x86_64/vectors.h"

enum { SELECT = 0x00, WINDOW = 0x10, REGISTER_VERSION = 1, REGISTER_REDIRECTION = 0x10 }; // the last: two words per line
enum { REDIRECTION_NMI = 4 << 8, REDIRECTION_ACTIVE_LOW = 1 << 13, REDIRECTION_LEVEL = 1 << 15, REDIRECTION_MASKED = 1 << 16 };
enum { EVERY_PROCESSOR = 0xff, SAMPLE_HZ_MIN = 20, SAMPLE_HZ_MAX = 10000 };
enum { PIT_LOAD_0_MODE_0 = 0x30, PIT_LOAD_0_MODE_2 = 0x34 };
enum { PINS_MAX = 240, LINES_MAX = 256 }; // lines (GSIs) above are refused

struct ioapic {
    void *registers;
    uint32_t gsi_base, pins;
};

static struct ioapic ioapics[ACPI_IOAPICS];
static uint32_t ioapic_count;
static uint8_t line_vectors[LINES_MAX]; // 0: not routed yet

static uint32_t ioapic_read(const struct ioapic *ioapic, uint32_t index) {
    mmio_write32(ioapic->registers, SELECT, index);
    return mmio_read32(ioapic->registers, WINDOW);
}

static void ioapic_write(const struct ioapic *ioapic, uint32_t index, uint32_t value) {
    mmio_write32(ioapic->registers, SELECT, index);
    mmio_write32(ioapic->registers, WINDOW, value);
}

// The IOAPIC that serves a line, and the index of the line's low redirection word.
static const struct ioapic *line_find(uint32_t line, uint32_t *index) {
    for (uint32_t i = 0; line < LINES_MAX && i < ioapic_count; i++) {
        if (line >= ioapics[i].gsi_base && line - ioapics[i].gsi_base < ioapics[i].pins) {
            *index = REGISTER_REDIRECTION + 2 * (line - ioapics[i].gsi_base);
            return &ioapics[i];
        }
    }
    return NULL;
}

static error_t ioapic_route(uint32_t line, bool level, bool active_low, uint8_t *vector) {
    uint32_t index;
    const struct ioapic *ioapic = line_find(line, &index);
    if (!ioapic)
        return ERR_INVALID;
    error_t error = line_vectors[line] ? ERR_OK : irq_vector_allocate(&line_vectors[line]);
    if (error)
        return error;
    *vector = line_vectors[line];
    ioapic_write(ioapic, index, REDIRECTION_MASKED);
    ioapic_write(ioapic, index + 1, lapic_id() << 24);
    ioapic_write(ioapic, index,
                 REDIRECTION_MASKED | *vector | (level ? REDIRECTION_LEVEL : 0) | (active_low ? REDIRECTION_ACTIVE_LOW : 0));
    return ERR_OK;
}

static void ioapic_mask(uint32_t line, bool masked) {
    uint32_t index;
    const struct ioapic *ioapic = line_find(line, &index);
    if (!ioapic || !line_vectors[line])
        return;
    uint32_t old = ioapic_read(ioapic, index) & ~(uint32_t)REDIRECTION_MASKED;
    ioapic_write(ioapic, index, old | (masked ? REDIRECTION_MASKED : 0));
}

static bool ioapic_accept(uint8_t vector) {
    return vector != VECTOR_SPURIOUS;
}

static void ioapic_end_of_interrupt(uint8_t vector) {
    (void)vector;
    lapic_end_of_interrupt();
}

const struct irq_controller ioapic_controller = {"IOAPIC", ioapic_route, ioapic_mask, ioapic_accept, ioapic_end_of_interrupt};

static void ioapic_add(const struct acpi_ioapic *found) {
    struct ioapic *ioapic = &ioapics[ioapic_count];
    ioapic->registers = kernel_map_device(found->address);
    ioapic->gsi_base = found->gsi_base;
    uint32_t version = ioapic->registers ? ioapic_read(ioapic, REGISTER_VERSION) : 0xffffffff;
    ioapic->pins = (version >> 16 & 0xff) + 1;
    if (version == 0xffffffff || ioapic->pins > PINS_MAX) {
        log_write(LOG_WARNING, "ioapic: none answers at %lx", found->address);
        return;
    }
    for (uint32_t pin = 0; pin < ioapic->pins; pin++)
        ioapic_write(ioapic, REGISTER_REDIRECTION + 2 * pin, REDIRECTION_MASKED);
    ioapic_count++;
}

bool ioapic_initialize(const struct acpi_information *acpi) {
    for (uint32_t i = 0; i < acpi->ioapic_count; i++)
        ioapic_add(&acpi->ioapics[i]);
    // Overridden lines first: with IRQ 0 at line 2, line 2 is the timer's and not the cascade's.
    for (uint32_t isa = ACPI_ISA_LINES; isa-- > 0;) {
        uint32_t gsi = acpi->isa_lines[isa].gsi;
        if (gsi < LINES_MAX && (line_vectors[gsi] == 0 || gsi != isa))
            line_vectors[gsi] = (uint8_t)(VECTOR_ISA + isa);
    }
    return ioapic_count > 0;
}

error_t ioapic_sample(uint64_t rate) {
    uint32_t line = 0, index;
    while (line < LINES_MAX && line_vectors[line] != VECTOR_ISA)
        line++;
    const struct ioapic *ioapic = line_find(line, &index);
    if (!ioapic)
        return ERR_NOT_SUPPORTED;
    if (rate && (rate < SAMPLE_HZ_MIN || rate > SAMPLE_HZ_MAX))
        return ERR_INVALID;
    uint32_t ticks = rate ? PIT_HZ / (uint32_t)rate : 0;
    ioapic_write(ioapic, index + 1, EVERY_PROCESSOR << 24);
    ioapic_write(ioapic, index, rate ? REDIRECTION_NMI : REDIRECTION_MASKED);
    port_write8(PIT_COMMAND, rate ? PIT_LOAD_0_MODE_2 : PIT_LOAD_0_MODE_0);
    if (rate) {
        port_write8(PIT_CHANNEL_0, (uint8_t)ticks);
        port_write8(PIT_CHANNEL_0, (uint8_t)(ticks >> 8));
    }
    return ERR_OK;
}
