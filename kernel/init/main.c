// The kernel's start, on the boot processor: memory, tables, devices, init, and then user mode for ever.
#include "kernel/init/main.h"

#include "kernel/cap/capability.h"
#include "kernel/debug/log.h"
#include "kernel/init/first_process.h"
#include "kernel/init/information.h"
#include "kernel/init/options.h"
#include "kernel/memory/direct_map.h"
#include "kernel/memory/frame.h"
#include "kernel/sched/run_queue.h"
#include "kernel/sched/schedule.h"
#include "kernel/x86_64/descriptors.h"
#include "kernel/x86_64/paging.h"
#include "kernel/x86_64/platform.h"
#include "kernel/x86_64/lock.h"
#include "kernel/x86_64/processor.h"
#include "kernel/x86_64/processors.h"

#define CAPABILITY_REGION UINT64_C(0xffffc80000000000) // PML4 slot 400

uint64_t direct_map_base;

_Noreturn void return_to_user(void); // entry.asm

_Noreturn void kernel_main(const struct boot_info *info) {
    char seed[32];
    direct_map_base = info->direct_map_base;
    kernel_lock();
    cpu_register(&boot_processor.cpu);
    descriptors_load(&boot_processor, false);
    frame_initialize(info);
    paging_initialize(info->page_table_root);
    capability_region = (struct capability *)CAPABILITY_REGION; // NOLINT(performance-no-int-to-ptr)
    platform_initialize(info, options_get("seed", seed, sizeof(seed)));
    information_start(info);
    processors_start(platform_acpi(), CPUS_MAX);
    first_process_start(info);
    log_write(LOG_INFO, "%llu KiB of memory, %llu KiB free", (unsigned long long)frame_total_bytes() / 1024,
              (unsigned long long)frame_free_bytes() / 1024);
    schedule();
    return_to_user();
}
