// The loader: a program of its own that GRUB starts. It finds out what the machine is, puts the kernel's ELF
// image at a random virtual address, and enters it on page tables that hold nothing else. It runs at physical
// addresses with the first 4 GiB mapped one to one; when the kernel runs, the loader's memory is free memory.
// Called by start.asm.
#include <stdbool.h>
#include <stddef.h>

#include "boot/loader/acpi.h"
#include "boot/loader/archive.h"
#include "boot/loader/clock.h"
#include "boot/loader/executable.h"
#include "boot/loader/memory_map.h"
#include "boot/loader/multiboot2.h"
#include "boot/loader/options.h"
#include "boot/loader/page_tables.h"
#include "boot/loader/pic.h"
#include "boot/loader/processors.h"
#include "boot/loader/random.h"
#include "boot/loader/rtc.h"
#include "boot/loader/start.h"
#include "kernel/x86_64/early_console.h"
#include "kernel/x86_64/registers.h"
#include "kernel/x86_64/string.h"

enum { PAGE = 4096, HUGE_PAGE = 2 << 20, CPUID_NX = 1 << 20 };

// The last PML4 entry, less its last 2 MiB, for the kernel and the frame buffer; direct map in entries 256 to
// 383.
#define IMAGE_AREA               UINT64_C(0xffffff8000000000)
#define IMAGE_AREA_SLOTS         ((UINT64_C(1) << 18) - 1) // of 2 MiB
#define DIRECT_AREA              UINT64_C(0xffff800000000000)
#define DIRECT_AREA_SLOTS        (UINT64_C(128) * 512 - BOOT_PHYSICAL_LIMIT_GIB) // of 1 GiB
#define REACHABLE                (UINT64_C(1) << 32)
#define MEMORY_MINIMUM           (UINT64_C(28) << 20)         // bytes of RAM: a machine of 32 MiB less what firmware keeps
#define PAT_WITH_WRITE_COMBINING UINT64_C(0x0007040600070106) // the reset value, entry 1 write-combining instead of through

static struct boot_info info;
static struct boot_input input;
static struct executable image, program; // the kernel and init
static uint64_t kernel_virtual;          // where the kernel's image starts (random)

// A machine that can't run Keelson gets to know why.
static _Noreturn void refuse(const char *sentence) {
    static const char end[] = "\nKeelson can't start on this machine.\n";
    early_console_write(sentence, strlen(sentence));
    early_console_write(end, sizeof(end) - 1);
    cpu_stop();
}

const void *firmware_map(uint64_t physical, uint64_t length) {
    bool reachable = length <= REACHABLE && physical <= REACHABLE - length;
    return reachable ? (const void *)physical : NULL; // NOLINT(performance-no-int-to-ptr): one to one
}

static uint64_t framebuffer_bytes(void) {
    return (uint64_t)info.framebuffer.pitch * info.framebuffer.height;
}

static void console_start(void) {
    const struct boot_framebuffer *framebuffer = &info.framebuffer;
    bool reachable = framebuffer->address < REACHABLE && framebuffer_bytes() <= REACHABLE - framebuffer->address;
    options_start(info.command_line);
    options_read(&info);
    early_console_start(framebuffer, reachable ? framebuffer->address : 0, info.console);
}

static void machine_check(error_t parsed) {
    uint64_t free_bytes = 0;
    for (uint32_t i = 0; i < info.memory_count; i++)
        free_bytes += info.memory[i].kind == BOOT_MEMORY_FREE ? info.memory[i].length : 0;
    if (parsed == ERR_NOT_FOUND)
        refuse("The loader passed no memory map.");
    if (parsed != ERR_OK)
        refuse("The loader's information is malformed.");
    if (cpuid(0x80000000, 0).eax < 0x80000001 || !(cpuid(0x80000001, 0).edx & CPUID_NX))
        refuse("The processor (or its firmware's settings) lacks no-execute pages.");
    if (input.kernel_length == 0)
        refuse("The loader passed no kernel: the module is missing.");
    if (info.initrd_length == 0)
        refuse("The loader passed no initrd: the module is missing.");
    if (free_bytes < MEMORY_MINIMUM)
        refuse("There is too little memory: Keelson needs 32 MiB.");
}

static uint64_t page_flags(uint32_t access) {
    return (access & BOOT_WRITE ? (uint64_t)PAGE_WRITE : 0) | (access & BOOT_EXECUTE ? 0 : PAGE_NO_EXECUTE);
}

// The program of the option init=, out of the initrd.
static void init_load(struct page_builder *builder) {
    char name[64];
    const void *file, *initrd = firmware_map(info.initrd_start, info.initrd_length);
    uint64_t length;
    if (!options_get("init", name, sizeof(name)))
        memcpy(name, "sbin/init", sizeof("sbin/init"));
    if (!initrd || archive_find(initrd, info.initrd_length, name, &file, &length) != ERR_OK)
        refuse("The initrd does not hold the first program (see the option init=).");
    if (executable_open(&program, file, length) != ERR_OK)
        refuse("The first program is not an executable file.");
    program.physical = page_builder_take(builder, program.bytes);
    if (program.physical == 0)
        refuse("There is too little memory below 4 GiB for the first program.");
    executable_load(&program);
    info.init.entry = program.entry;
    info.init.segment_count = program.segment_count;
    for (uint32_t i = 0; i < program.segment_count; i++) {
        info.init.segments[i].physical = program.physical + program.segments[i].offset;
        info.init.segments[i].offset = program.segments[i].offset;
        info.init.segments[i].bytes = program.segments[i].bytes;
        info.init.segments[i].access = program.segments[i].access;
    }
}

static void kernel_place(struct page_builder *builder, struct boot_random *random) {
    const void *file = firmware_map(input.kernel_start, input.kernel_length);
    if (!file || executable_open(&image, file, input.kernel_length) != ERR_OK)
        refuse("The kernel's file is damaged.");
    image.physical = page_builder_take(builder, image.bytes);
    if (image.physical == 0)
        refuse("There is too little memory below 4 GiB for the kernel.");
    uint64_t slots = (image.bytes + HUGE_PAGE - 1) / HUGE_PAGE;
    uint64_t first = boot_random_next(random) % (IMAGE_AREA_SLOTS - slots);
    kernel_virtual = IMAGE_AREA + first * HUGE_PAGE;
    info.direct_map_base = DIRECT_AREA + (boot_random_next(random) % DIRECT_AREA_SLOTS << 30);
    executable_load(&image);
    if (!executable_relocate(&image, kernel_virtual))
        refuse("The kernel's file is damaged.");
    for (uint32_t i = 0; i < image.segment_count; i++)
        page_builder_map(builder, kernel_virtual + image.segments[i].offset, image.physical + image.segments[i].offset,
                         image.segments[i].bytes, PAGE_GLOBAL | page_flags(image.segments[i].access));
    if (info.framebuffer.kind == 0)
        return;
    uint64_t within = info.framebuffer.address % HUGE_PAGE, skip = within & ~(uint64_t)(PAGE - 1);
    uint64_t shown = (within + framebuffer_bytes() + HUGE_PAGE - 1) / HUGE_PAGE, slot;
    do
        slot = boot_random_next(random) % (IMAGE_AREA_SLOTS - shown);
    while (slot < first + slots && first < slot + shown);
    info.framebuffer_virtual = IMAGE_AREA + slot * HUGE_PAGE + within;
    page_builder_map(builder, IMAGE_AREA + slot * HUGE_PAGE + skip, info.framebuffer.address - within + skip,
                     (within - skip + framebuffer_bytes() + PAGE - 1) & ~(uint64_t)(PAGE - 1),
                     PAGE_GLOBAL | PAGE_NO_EXECUTE | PAGE_WRITE | PAGE_WRITE_COMBINE);
}

// All memory at direct_map_base, but the kernel's text and constants read-only.
static void direct_map_run(struct page_builder *builder, uint64_t start, uint64_t end) {
    const uint64_t cuts[] = {start, image.physical, image.physical + image.constant_bytes, end};
    for (int i = 0; i < 3; i++) {
        uint64_t from = cuts[i] > start ? cuts[i] : start, to = cuts[i + 1] < end ? cuts[i + 1] : end;
        if (from < to)
            page_builder_map(builder, info.direct_map_base + from, from, to - from,
                             PAGE_GLOBAL | PAGE_NO_EXECUTE | (i == 1 ? 0 : (uint64_t)PAGE_WRITE));
    }
}

static void direct_map(struct page_builder *builder) {
    uint64_t start = 0, end = 0;
    for (uint32_t i = 0; i < info.memory_count; i++) {
        const struct boot_memory_range *range = &info.memory[i];
        if (range->kind == BOOT_MEMORY_RESERVED)
            continue;
        if (range->start != end) {
            direct_map_run(builder, start, end);
            start = range->start;
        }
        end = range->start + range->length;
    }
    direct_map_run(builder, start, end);
}

// What is in use although the firmware's map says that it is free. For the kernel, only its own image and the
// initrd are.
static void memory_reserve(void) {
    memory_map_paint(&info, 0, PAGE, BOOT_MEMORY_RESERVED); // the BIOS's data, and null
    memory_map_paint(&info, info.initrd_start, info.initrd_start + info.initrd_length, BOOT_MEMORY_INITRD);
    memory_map_paint(&info, (uintptr_t)loader_start, (uintptr_t)loader_end, BOOT_MEMORY_KERNEL);
    memory_map_paint(&info, input.kernel_start, input.kernel_start + input.kernel_length, BOOT_MEMORY_KERNEL);
}

static void memory_release(const struct page_builder *builder) {
    memory_map_paint(&info, (uintptr_t)loader_start, (uintptr_t)loader_end, BOOT_MEMORY_FREE);
    memory_map_paint(&info, input.kernel_start, input.kernel_start + input.kernel_length, BOOT_MEMORY_FREE);
    memory_map_paint(&info, builder->limit, builder->top, BOOT_MEMORY_KERNEL);
    memory_map_paint(&info, program.physical, program.physical + program.bytes, BOOT_MEMORY_INITRD);
}

_Noreturn void loader_main(uint64_t information) {
    struct boot_random random;
    struct page_builder builder;
    char seed[64];
    uint64_t ticks = tsc_read();
    loader_relocate();
    // NOLINTNEXTLINE(performance-no-int-to-ptr): GRUB passes an address
    error_t parsed = multiboot2_parse((const void *)information, REACHABLE - information, &info, &input);
    info.handover_ticks = ticks;
    console_start();
    machine_check(parsed);
    memory_reserve();
    (void)acpi_read(input.has_rsdp ? input.rsdp : NULL,
                    &info.acpi); // what it lacks, the kernel sees in the flags
    if (rtc_read(info.acpi.century_register, &info.wall_seconds) != ERR_OK)
        info.wall_seconds = 0;

    pic_initialize();
    clock_calibrate(&info);
    info.repeatable = options_get("seed", seed, sizeof(seed));
    boot_random_start(&random, info.repeatable ? seed : NULL);
    if (!page_builder_start(&builder, &info))
        refuse("There is no free memory below 4 GiB.");
    init_load(&builder);
    kernel_place(&builder, &random);
    direct_map(&builder);
    if (builder.failed)
        refuse("There is too little memory for page tables.");
    memory_release(&builder);
    processors_reserve(&info);
    for (int i = 0; i < 4; i++)
        info.random_seed[i] = boot_random_next(&random);
    info.stack_guard = boot_random_next(&random) & ~UINT64_C(0xff);
    info.page_table_root = builder.root;
    msr_write(MSR_EFER, msr_read(MSR_EFER) | EFER_NX);
    msr_write(MSR_PAT, PAT_WITH_WRITE_COMBINING);
    // The kernel's half under both roots: the jump and the new root can come one after the other.
    memcpy(loader_root + 256, (const uint64_t *)builder.root + 256, 2048); // NOLINT: one to one
    processors_start(&info, kernel_virtual + image.entry, builder.root);
    loader_enter(info.direct_map_base + (uintptr_t)&info, builder.root, kernel_virtual + image.entry);
}
