// The local APIC's registers that Keelson uses (SDM volume 3, 11.4 to 11.6), for the kernel and the boot loader.
#pragma once

enum { LAPIC_ID = 0x20, LAPIC_TASK_PRIORITY = 0x80, LAPIC_END_OF_INTERRUPT = 0xb0, LAPIC_SPURIOUS = 0xf0 };
enum { LAPIC_COMMAND_LOW = 0x300, LAPIC_COMMAND_HIGH = 0x310 };
enum { LAPIC_LVT_TIMER = 0x320, LAPIC_LVT_LINT0 = 0x350, LAPIC_LVT_LINT1 = 0x360, LAPIC_LVT_ERROR = 0x370 };
enum { LAPIC_TIMER_INITIAL = 0x380, LAPIC_TIMER_CURRENT = 0x390, LAPIC_TIMER_DIVIDE = 0x3e0 };

// Bits of MSR_APIC_BASE and of these registers.
enum { APIC_BASE_X2APIC = 1 << 10, APIC_BASE_ENABLED = 1 << 11, SPURIOUS_ENABLE = 1 << 8, TIMER_DIVIDE_BY_1 = 0xb };
enum { LVT_MASKED = 1 << 16, LVT_EXTERNAL = 7 << 8, COMMAND_PENDING = 1 << 12, COMMAND_ASSERT = 1 << 14 };
