// The kernel's start, on the boot processor: memory, tables, devices, init, and then user mode for ever.
#include "kernel/init/init.h"

#include "kernel/cap/capability.h"
#include "kernel/debug/log.h"
#include "kernel/debug/panic.h"
#include "kernel/memory/direct_map.h"
#include "kernel/memory/frame.h"
#include "kernel/sched/schedule.h"
#include "kernel/x86_64/descriptors.h"
#include "kernel/x86_64/early_console.h"
#include "kernel/x86_64/paging.h"
#include "kernel/x86_64/platform.h"
#include "kernel/x86_64/processor.h"
#include "kernel/x86_64/processors.h"
#include "kernel/x86_64/string.h"

#define CAPABILITY_REGION UINT64_C(0xffffc80000000000) // PML4 slot 400

uint64_t direct_map_base;
struct boot_info boot_info;

_Noreturn void return_to_user(void); // entry.asm

__attribute__((no_stack_protector)) _Noreturn void kernel_main(const struct boot_info *given) {
    const struct boot_info *info = memcpy(&boot_info, given, sizeof(boot_info)); // the loader's memory is free from now on
    __stack_chk_guard = info->stack_guard;
    direct_map_base = info->direct_map_base;
    log_start(info->log_level);
    early_console_start(&info->framebuffer, info->framebuffer_virtual, info->console);
    kernel_lock();
    cpu_register(&boot_processor.cpu);
    descriptors_load(&boot_processor);
    frame_initialize(info);
    log_write(LOG_INFO, "Keelson, loaded by %s firmware, %lu KiB of memory free", info->from_efi ? "EFI" : "BIOS",
              frame_free_bytes() / 1024);
    log_write(LOG_INFO, "handed over at tick %lu of the TSC", info->handover_ticks);
    paging_initialize(info->page_table_root);
    capability_region = (struct capability *)CAPABILITY_REGION; // NOLINT(performance-no-int-to-ptr)
    platform_initialize(info);
    memset(boot_info.random_seed, 0, sizeof(boot_info.random_seed));
    processors_start(&info->acpi);
    first_process_start(info);
    schedule();
    return_to_user();
}
