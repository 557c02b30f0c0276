// The interrupt vectors and who owns each. Included by entry.asm's C side, the interrupt controllers and the
// scheduler.
#pragma once

enum {
    VECTOR_NMI = 2,
    VECTOR_INVALID_OPCODE = 6,
    VECTOR_DOUBLE_FAULT = 8,
    VECTOR_PAGE_FAULT = 14,
    VECTOR_MACHINE_CHECK = 18,
    VECTOR_EXCEPTIONS_END = 32,
    VECTOR_ISA = 32,     // 32..47: ISA lines 0..15, by PIC or IOAPIC
    VECTOR_DYNAMIC = 48, // 48..239: other lines and MSI, by irq_vector_allocate
    VECTOR_DYNAMIC_END = 240,
    VECTOR_TIMER = 240,      // local APIC timer
    VECTOR_RESCHEDULE = 241, // IPI: look at the run queue
    VECTOR_SHOOTDOWN = 242,  // IPI: take the kernel lock, and so answer the TLB mailbox
    VECTOR_SPURIOUS = 255,   // needs no end of interrupt
};
