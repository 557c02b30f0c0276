// See lapic.h.
#include <stddef.h>

#include "kernel/debug/log.h"
#include "kernel/x86_64/cpu_features.h"
#include "kernel/x86_64/lapic.h"
#include "kernel/x86_64/mmio.h"
#include "kernel/x86_64/registers.h"
#include "kernel/x86_64/vectors.h"

enum { MSR_APIC_BASE = 0x1b, APIC_BASE_X2APIC = 1 << 10, APIC_BASE_ENABLED = 1 << 11 };
enum { MSR_TSC_DEADLINE = 0x6e0, MSR_X2APIC = 0x800 }; // register offset / 16 is added to the latter

// Register offsets.
enum { ID = 0x20, VERSION = 0x30, TASK_PRIORITY = 0x80, END_OF_INTERRUPT = 0xb0, SPURIOUS = 0xf0 };
enum { ERROR_STATUS = 0x280, COMMAND_LOW = 0x300, COMMAND_HIGH = 0x310 };
enum { LVT_CMCI = 0x2f0, LVT_TIMER = 0x320, LVT_THERMAL = 0x330, LVT_PERFORMANCE = 0x340 };
enum { LVT_LINT0 = 0x350, LVT_LINT1 = 0x360, LVT_ERROR = 0x370 };
enum { TIMER_INITIAL = 0x380, TIMER_CURRENT = 0x390, TIMER_DIVIDE = 0x3e0 };

// Their contents.
enum { SPURIOUS_ENABLE = 1 << 8, TIMER_DEADLINE = 2 << 17, TIMER_DIVIDE_BY_1 = 0xb };
enum { LVT_ACTIVE_LOW = 1 << 13, LVT_LEVEL = 1 << 15, LVT_MASKED = 1 << 16 };
enum { LVT_NMI = 4 << 8, LVT_EXTERNAL = 7 << 8 };
enum { COMMAND_PENDING = 1 << 12, COMMAND_ASSERT = 1 << 14, COMMAND_OTHERS = 3 << 18 };

static void *registers; // xAPIC only
static bool x2apic;

static uint32_t lapic_read(uint32_t offset) {
    return x2apic ? (uint32_t)msr_read(MSR_X2APIC + offset / 16) : mmio_read32(registers, offset);
}

static void lapic_write(uint32_t offset, uint32_t value) {
    if (x2apic)
        msr_write(MSR_X2APIC + offset / 16, value);
    else
        mmio_write32(registers, offset, value);
}

bool lapic_present(void) {
    return x2apic || registers;
}

error_t lapic_initialize(void) {
    if (!cpu_features.apic)
        return ERR_NO_DEVICE;
    uint64_t base = msr_read(MSR_APIC_BASE);
    if (!(base & APIC_BASE_ENABLED)) {
        msr_write(MSR_APIC_BASE, base | APIC_BASE_ENABLED);
        base = msr_read(MSR_APIC_BASE);
        if (!(base & APIC_BASE_ENABLED))
            return ERR_NO_DEVICE;
    }
    x2apic = cpu_features.x2apic;
    if (!x2apic) {
        registers = mmio_map(base & 0x000ffffffffff000, 4096);
        return registers ? ERR_OK : ERR_NO_MEMORY;
    }
    return ERR_OK;
}

// Which of this CPU's pins is an NMI, by the MADT.
static void nmi_pins_set(const struct acpi_information *acpi) {
    uint32_t uid = 0, id = lapic_id();
    for (uint32_t index = 0; index < acpi->cpu_count; index++)
        if (acpi->cpus[index].apic_id == id)
            uid = acpi->cpus[index].uid;
    for (uint32_t index = 0; index < acpi->nmi_count; index++) {
        const struct acpi_nmi *nmi = &acpi->nmis[index];
        if (nmi->local && nmi->pin <= 1 && (nmi->number == ACPI_UID_ALL || nmi->number == uid)) {
            uint32_t mode = LVT_NMI | (nmi->active_low ? LVT_ACTIVE_LOW : 0) | (nmi->level ? LVT_LEVEL : 0);
            lapic_write(nmi->pin ? LVT_LINT1 : LVT_LINT0, mode);
        }
    }
}

void lapic_enable(const struct acpi_information *acpi, bool external_interrupts) {
    uint64_t base = msr_read(MSR_APIC_BASE);
    msr_write(MSR_APIC_BASE, base | APIC_BASE_ENABLED | (x2apic ? APIC_BASE_X2APIC : 0));
    lapic_write(SPURIOUS, SPURIOUS_ENABLE | VECTOR_SPURIOUS); // LVT entries stay masked while it is disabled
    // The entries that only some CPUs have, in the order in which they were added, then those of all.
    static const uint16_t entries[] = {LVT_PERFORMANCE, LVT_THERMAL, LVT_CMCI, LVT_LINT0, LVT_LINT1};
    uint32_t last = lapic_read(VERSION) >> 16 & 0xff;
    for (uint32_t index = 0; index < 5; index++)
        if (index >= 3 || last >= index + 4)
            lapic_write(entries[index], LVT_MASKED);
    nmi_pins_set(acpi);
    if (external_interrupts)
        lapic_write(LVT_LINT0, LVT_EXTERNAL);
    lapic_write(LVT_ERROR, VECTOR_LAPIC_ERROR);
    lapic_write(TIMER_DIVIDE, TIMER_DIVIDE_BY_1);
    lapic_write(TIMER_INITIAL, 0);
    lapic_write(LVT_TIMER, VECTOR_TIMER);
    lapic_write(TASK_PRIORITY, 0);
    (void)lapic_error();
    lapic_end_of_interrupt(); // one that the firmware left in service would block all below it
}

uint32_t lapic_id(void) {
    return x2apic ? lapic_read(ID) : lapic_read(ID) >> 24;
}

void lapic_end_of_interrupt(void) {
    lapic_write(END_OF_INTERRUPT, 0);
}

uint32_t lapic_error(void) {
    lapic_write(ERROR_STATUS, 0); // latches what came since the last write
    return lapic_read(ERROR_STATUS);
}

// Orders the memory accesses before it: neither a write to x2APIC's MSRs nor one to uncached memory waits for
// them, and the target of an IPI must see what it was sent for.
static void stores_complete(void) {
    __asm__ volatile("mfence\n\tlfence" : : : "memory");
}

static void command_send(uint32_t apic_id, uint32_t command) {
    stores_complete();
    if (x2apic) {
        msr_write(MSR_X2APIC + COMMAND_LOW / 16, (uint64_t)apic_id << 32 | command);
        return;
    }
    // The previous command leaves in microseconds; a bus that never takes it must not hang the kernel.
    for (uint32_t wait = 0; wait < 100000 && lapic_read(COMMAND_LOW) & COMMAND_PENDING; wait++)
        __asm__ volatile("pause");
    lapic_write(COMMAND_HIGH, apic_id << 24);
    lapic_write(COMMAND_LOW, command);
}

void lapic_ipi(uint32_t apic_id, uint32_t what) {
    command_send(apic_id, COMMAND_ASSERT | what);
}

void lapic_ipi_others(uint32_t what) {
    command_send(0, COMMAND_OTHERS | COMMAND_ASSERT | what);
}

void lapic_timer_start(uint32_t ticks) {
    lapic_write(TIMER_INITIAL, ticks);
}

uint32_t lapic_timer_left(void) {
    return lapic_read(TIMER_CURRENT);
}

void lapic_timer_use_deadline(void) {
    lapic_write(LVT_TIMER, TIMER_DEADLINE | VECTOR_TIMER);
    stores_complete(); // between the mode's memory write and the first deadline's MSR write (11.5.4.1)
}

void lapic_timer_deadline(uint64_t tsc) {
    msr_write(MSR_TSC_DEADLINE, tsc);
}

error_t lapic_msi_message(uint32_t apic_id, uint8_t vector, uint64_t *address, uint32_t *data) {
    if (apic_id > 0xff)
        return ERR_NOT_SUPPORTED;
    *address = 0xfee00000 | apic_id << 12;
    *data = vector;
    return ERR_OK;
}
