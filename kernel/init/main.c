// The kernel's start: for now it says what the boot code found, and stops.
#include "kernel/init/main.h"

#include "kernel/debug/log.h"
#include "kernel/x86_64/registers.h"

_Noreturn void kernel_main(const struct boot_info *info) {
    static const char *const kinds[] = {"?", "free", "reserved", "kernel", "initrd", "ACPI"};
    for (uint32_t i = 0; i < info->memory_count; i++) {
        const struct boot_memory_range *range = &info->memory[i];
        log_write(LOG_INFO, "memory 0x%012llx-0x%012llx %s", (unsigned long long)range->start,
                  (unsigned long long)(range->start + range->length), kinds[range->kind]);
    }
    log_write(LOG_INFO, "options: %s", info->command_line);
    log_write(LOG_INFO, "kernel_main: nothing more to do");
    cpu_stop();
}
