// The boot code's C half: from the loader's information to the kernel's own page tables and kernel_main.
// boot_start runs at physical addresses with the first 4 GiB mapped one to one; boot_continue at the final
// ones. Called by start.asm.
#include "kernel/x86_64/boot/start.h"

#include <stddef.h>

#include "kernel/debug/log.h"
#include "kernel/init/main.h"
#include "kernel/init/options.h"
#include "kernel/x86_64/boot/acpi_ranges.h"
#include "kernel/x86_64/boot/image.h"
#include "kernel/x86_64/boot/memory_map.h"
#include "kernel/x86_64/boot/multiboot2.h"
#include "kernel/x86_64/boot/page_tables.h"
#include "kernel/x86_64/boot/random.h"
#include "kernel/x86_64/early_console.h"
#include "kernel/x86_64/registers.h"
#include "kernel/x86_64/stack_trace.h"
#include "kernel/x86_64/string.h"

enum { PAGE = 4096, HUGE_PAGE = 2 << 20, PML4_LAST = 511, RELOCATION_RELATIVE = 8, CPUID_NX = 1 << 20 };

// The last PML4 entry, less its last 2 MiB, for the kernel and the frame buffer; direct map in entries 256 to
// 383.
#define IMAGE_AREA        UINT64_C(0xffffff8000000000)
#define IMAGE_AREA_SLOTS  ((UINT64_C(1) << 18) - 1) // of 2 MiB
#define DIRECT_AREA       UINT64_C(0xffff800000000000)
#define DIRECT_AREA_SLOTS (UINT64_C(128) * 512 - BOOT_PHYSICAL_LIMIT_GIB) // of 1 GiB
#define REACHABLE         (UINT64_C(1) << 32)
#define MEMORY_MINIMUM    (UINT64_C(28) << 20) // bytes of RAM: a machine of 32 MiB less what firmware keeps
#define PAT_WITH_WRITE_COMBINING                                                                             \
    UINT64_C(0x0007040600070106) // the reset value, entry 1 write-combining instead of through

struct relocation { // System V ABI for x86-64, chapter 4.4: Elf64_Rela
    uint64_t offset, info, addend;
};

extern const struct relocation image_relocations[], image_relocations_end[];
extern uint64_t __stack_chk_guard;

BOOT_CONSTANT static struct boot_info boot_info = {.memory_count = 1}; // not .bss: the section has contents

// The image is linked at 0, so that only this kind of relocation occurs; may be repeated for another base.
static void relocations_apply(uint64_t base) {
    uintptr_t image = (uintptr_t)image_start;
    for (const struct relocation *r = image_relocations; r < image_relocations_end; r++) {
        uint64_t value = base + r->addend;
        if ((uint32_t)r->info == RELOCATION_RELATIVE)
            memcpy((void *)(image + r->offset), &value, sizeof value);
    }
}

// A machine that can't run Keelson gets to know why.
static _Noreturn void refuse(const char *sentence) {
    log_write(LOG_ERROR, "%s", sentence);
    log_write(LOG_ERROR, "Keelson can't start on this machine.");
    cpu_stop();
}

static unsigned console_outputs(void) {
    char value[16];
    if (!options_get("console", value, sizeof value))
        return EARLY_CONSOLE_SERIAL | EARLY_CONSOLE_SCREEN;
    if (strlen(value) == 6 && memcmp(value, "serial", 6) == 0)
        return EARLY_CONSOLE_SERIAL;
    if (strlen(value) == 6 && memcmp(value, "screen", 6) == 0)
        return EARLY_CONSOLE_SCREEN;
    return EARLY_CONSOLE_SERIAL | EARLY_CONSOLE_SCREEN;
}

// loglevel=error, warning, info or debug, or 1 to 4: what the console shows.
static void log_level_choose(void) {
    static const char letters[] = "ewid";
    char value[16];
    if (!options_get("loglevel", value, sizeof value))
        return;
    for (int level = LOG_ERROR; level <= LOG_DEBUG; level++)
        if (value[0] == letters[level - 1] || value[0] == '0' + level)
            log_set_console_level((enum log_level)level);
}

static uint64_t framebuffer_bytes(const struct boot_framebuffer *framebuffer) {
    return (uint64_t)framebuffer->pitch * framebuffer->height;
}

static void console_start(const struct boot_info *info) {
    const struct boot_framebuffer *framebuffer = &info->framebuffer;
    bool reachable = framebuffer->address < REACHABLE &&
                     framebuffer_bytes(framebuffer) <= REACHABLE - framebuffer->address;
    early_console_start(framebuffer, reachable ? framebuffer->address : 0, console_outputs());
    log_level_choose();
}

static uint64_t free_bytes(const struct boot_info *info) {
    uint64_t sum = 0;
    for (uint32_t i = 0; i < info->memory_count; i++)
        if (info->memory[i].kind == BOOT_MEMORY_FREE)
            sum += info->memory[i].length;
    return sum;
}

static void machine_check(const struct boot_info *info, error_t parsed) {
    if (parsed == ERR_NOT_FOUND)
        refuse("The loader passed no memory map.");
    if (parsed != ERR_OK)
        refuse("The loader's information is malformed.");
    if (cpuid(0x80000000, 0).eax < 0x80000001 || !(cpuid(0x80000001, 0).edx & CPUID_NX))
        refuse("The processor (or its firmware's settings) lacks no-execute pages.");
    if (info->initrd_length == 0)
        refuse("The loader passed no initrd: the module is missing.");
    if (free_bytes(info) < MEMORY_MINIMUM)
        refuse("There is too little memory: Keelson needs 32 MiB.");
}

// Everything that is not free although the loader's map says so.
static void memory_reserve(struct boot_info *info) {
    memory_map_paint(info, 0, PAGE, BOOT_MEMORY_RESERVED); // the BIOS's data, and null
    acpi_ranges_paint(info, 0);
    memory_map_paint(info, info->initrd_start, info->initrd_start + info->initrd_length, BOOT_MEMORY_INITRD);
    memory_map_paint(info, (uintptr_t)image_start, (uintptr_t)image_scratch_end, BOOT_MEMORY_KERNEL);
}

static void places_choose(struct boot_info *info, struct boot_random *random) {
    uint64_t image_slots = (info->kernel_length + HUGE_PAGE - 1) / HUGE_PAGE;
    uint64_t kernel_slot = boot_random_next(random) % (IMAGE_AREA_SLOTS - image_slots);
    info->kernel_virtual = IMAGE_AREA + kernel_slot * HUGE_PAGE;
    info->direct_map_base = DIRECT_AREA + (boot_random_next(random) % DIRECT_AREA_SLOTS << 30);
    if (info->framebuffer.kind == 0)
        return;
    uint64_t within = info->framebuffer.address % HUGE_PAGE;
    uint64_t slots = (within + framebuffer_bytes(&info->framebuffer) + HUGE_PAGE - 1) / HUGE_PAGE;
    uint64_t slot;
    do
        slot = boot_random_next(random) % (IMAGE_AREA_SLOTS - slots);
    while (slot < kernel_slot + image_slots && kernel_slot < slot + slots);
    info->framebuffer_virtual = IMAGE_AREA + slot * HUGE_PAGE + within;
}

static void image_map(struct page_builder *builder, const struct boot_info *info) {
    const char *const bounds[] = {image_start,       image_text_end,           image_constants_end,
                                  image_stack_guard, image_stack_guard + PAGE, image_end};
    const uint64_t data = PAGE_GLOBAL | PAGE_WRITE | PAGE_NO_EXECUTE;
    const uint64_t flags[] = {PAGE_GLOBAL, PAGE_GLOBAL | PAGE_NO_EXECUTE, data, 0, data};
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
        if (flags[i] != 0) // the guard page
            page_builder_map(builder, info->kernel_virtual + (uint64_t)(bounds[i] - image_start),
                             (uintptr_t)bounds[i], (uint64_t)(bounds[i + 1] - bounds[i]), flags[i]);
}

static void direct_map_run(struct page_builder *builder, const struct boot_info *info, uint64_t start,
                           uint64_t end) {
    const uint64_t cuts[] = {start, (uintptr_t)image_start, (uintptr_t)image_constants_end, end};
    for (int i = 0; i < 3; i++) { // before, within (read-only) and after the kernel's text and constants
        uint64_t from = cuts[i] > start ? cuts[i] : start, to = cuts[i + 1] < end ? cuts[i + 1] : end;
        if (from < to)
            page_builder_map(builder, info->direct_map_base + from, from, to - from,
                             PAGE_GLOBAL | PAGE_NO_EXECUTE | (i == 1 ? 0 : (uint64_t)PAGE_WRITE));
    }
}

static void direct_map(struct page_builder *builder, const struct boot_info *info) {
    uint64_t start = 0, end = 0;
    for (uint32_t i = 0; i < info->memory_count; i++) {
        const struct boot_memory_range *range = &info->memory[i];
        if (range->kind == BOOT_MEMORY_RESERVED)
            continue;
        if (range->start != end) {
            direct_map_run(builder, info, start, end);
            start = range->start;
        }
        end = range->start + range->length;
    }
    direct_map_run(builder, info, start, end);
}

static void framebuffer_map(struct page_builder *builder, const struct boot_info *info) {
    if (info->framebuffer_virtual == 0)
        return;
    uint64_t within = info->framebuffer_virtual % PAGE;
    uint64_t length = (framebuffer_bytes(&info->framebuffer) + within + PAGE - 1) & ~(uint64_t)(PAGE - 1);
    page_builder_map(builder, info->framebuffer_virtual - within, info->framebuffer.address - within, length,
                     PAGE_GLOBAL | PAGE_NO_EXECUTE | PAGE_WRITE | PAGE_WRITE_COMBINE);
}

static void page_tables_build(struct boot_info *info) {
    struct page_builder builder;
    if (!page_builder_start(&builder, info))
        refuse("There is no free memory below 4 GiB.");
    uint64_t tables_end = builder.root + PAGE;
    image_map(&builder, info);
    direct_map(&builder, info);
    framebuffer_map(&builder, info);
    if (builder.failed)
        refuse("There is too little memory for page tables.");
    info->page_table_root = builder.root;
    memory_map_paint(info, builder.limit, tables_end, BOOT_MEMORY_KERNEL);
    memory_map_paint(info, (uintptr_t)image_end, (uintptr_t)image_scratch_end, BOOT_MEMORY_FREE);
}

static uint64_t entry_ticks; // TSC when the loader had done its part

__attribute__((no_stack_protector)) _Noreturn void boot_start(uint64_t loader_information) {
    struct boot_info *info = &boot_info;
    struct boot_random random;
    char seed[64];
    entry_ticks = tsc_read();
    relocations_apply((uintptr_t)image_start);
    // NOLINTNEXTLINE(performance-no-int-to-ptr): the loader passes an address
    error_t parsed = multiboot2_parse((const void *)loader_information, REACHABLE - loader_information, info);
    options_start(info->command_line);
    console_start(info);
    machine_check(info, parsed);
    memory_reserve(info);

    bool seeded = options_get("seed", seed, sizeof seed);
    boot_random_start(&random, seeded ? seed : 0);
    info->kernel_physical = (uintptr_t)image_start;
    info->kernel_length = (uint64_t)(image_end - image_start);
    places_choose(info, &random);
    for (int i = 0; i < 4; i++)
        info->random_seed[i] = boot_random_next(&random);
    __stack_chk_guard = boot_random_next(&random) & ~UINT64_C(0xff); // a zero byte stops string copies

    msr_write(MSR_EFER, msr_read(MSR_EFER) | EFER_NX);
    msr_write(MSR_PAT, PAT_WITH_WRITE_COMBINING);
    page_tables_build(info);
    uint64_t offset = info->kernel_virtual - info->kernel_physical;
    if (info->acpi_rsdp != 0)
        info->acpi_rsdp += offset;
    boot_temporary_root[PML4_LAST] =
        ((const uint64_t *)info->page_table_root)[PML4_LAST]; // NOLINT: one to one
    relocations_apply(info->kernel_virtual);
    boot_switch(info->page_table_root, offset);
}

static void protections_enable(void) {
    uint64_t cr4 = cr4_read() | CR4_GLOBAL_PAGES;
    if (cpuid(0, 0).eax >= 7) { // Intel SDM volume 2, CPUID leaf 7
        struct cpuid_result features = cpuid(7, 0);
        cr4 |= features.ebx & 1 << 7 ? CR4_SMEP : 0;
        cr4 |= features.ebx & 1 << 20 ? CR4_SMAP : 0;
        cr4 |= features.ecx & 1 << 2 ? CR4_UMIP : 0;
    }
    cr4_write(cr4);
}

_Noreturn void boot_continue(void) {
    const struct boot_info *info = &boot_info;
    protections_enable();
    options_start(info->command_line);
    early_console_start(&info->framebuffer, info->framebuffer_virtual, console_outputs());
    stack_trace_start(info);
    log_write(LOG_INFO, "Keelson, loaded by %s firmware, %llu KiB of memory free",
              info->from_efi ? "EFI" : "BIOS", (unsigned long long)(free_bytes(info) / 1024));
    log_write(LOG_INFO, "handed over at tick %llu of the TSC", (unsigned long long)entry_ticks);
    kernel_main(info);
}
