// Cases of memory: what is made in steps and left half way, limits of mappings, gaps that just fit, pages that are shared or no
// RAM, frames that run out in the middle. See cases.h.
#include "tests/host/kernel/cases.h"

#include "kernel/abi/methods.h"
#include "kernel/abi/syscall.h"
#include "kernel/cap/account.h"
#include "kernel/memory/frame.h"
#include "kernel/sched/process.h"
#include "kernel/sched/schedule.h"
#include "tests/host/kernel/invariants.h"
#include "tests/host/kernel/life.h"
#include "tests/host/kernel/machine.h"

static const uint16_t both = RIGHT_READ | RIGHT_WRITE;

// In a slot, and that is all that keeps it.
static struct memory *anonymous(cap_t slot, uint64_t pages, bool filled) {
    struct memory *memory;
    life_must(memory_create_anonymous(stage.root, pages * PAGE_BYTES, &memory), "memory");
    (void)life_give(stage.process, stage.root, slot, CAP_MEMORY, memory);
    object_release(&memory->object);
    for (uint64_t page = 0; filled && page < pages; page++) {
        uint64_t frame;
        bool shared;
        life_must(memory_page(memory, page, true, &frame, &shared), "a page");
    }
    return memory;
}

static error_t map_at(struct memory *memory, uint64_t *address, uint64_t length, uint16_t flags) {
    return space_map(&stage.process->space, memory, address, length, 0, flags, flags, NULL);
}

static int64_t create_contiguous(uint64_t pages, bool to_end) {
    stage.thread->registers.words[0] = pages * PAGE_BYTES;
    stage.thread->registers.words[1] = 0;
    stage.thread->page->receive_slots[0] = STAGE_RESULT;
    if (to_end)
        return act_to_end(STAGE_ROOT_ACCOUNT, TAG(METHOD_ACCOUNT_CREATE_CONTIGUOUS, 2));
    return act(SYS_CALL, STAGE_ROOT_ACCOUNT, TAG(METHOD_ACCOUNT_CREATE_CONTIGUOUS, 2), 0);
}

static int64_t begin_clone(cap_t source, uint64_t pages, bool to_end) {
    stage.thread->registers.words[0] = 0;
    stage.thread->registers.words[1] = pages * PAGE_BYTES;
    stage.thread->page->send_caps[0] = STAGE_ROOT_ACCOUNT;
    stage.thread->page->receive_slots[0] = STAGE_RESULT;
    const uint64_t tag = TAG(METHOD_MEMORY_CLONE, 2) | UINT64_C(1) << TAG_CAPS_SHIFT;
    return to_end ? act_to_end(source, tag) : act(SYS_CALL, source, tag, 0);
}

// What a thread began is dropped when it begins something else.
static void half_made(void) {
    for (cap_t i = 100; i < 102; i++) { // mapped so often that a clone takes steps
        struct memory *memory = anonymous(i, 100, true);
        for (uint64_t j = 0, address = 0; j < 7; j++, address = 0)
            life_must(map_at(memory, &address, PAGE_BYTES, RIGHT_READ), "a mapping");
    }
    (void)create_contiguous(100, false);
    expect(is_to_go_on() && stage.thread->building->pages == 100, "it takes more than a step");
    (void)create_contiguous(40, false);
    expect(is_to_go_on() && stage.thread->building->pages == 40, "another length begins anew");
    (void)begin_clone(100, 100, false);
    expect(is_to_go_on() && stage.thread->building->source == slot_at(100)->object, "a clone of it");
    (void)begin_clone(101, 100, false);
    expect(is_to_go_on() && stage.thread->building->source == slot_at(101)->object, "a clone of another");
    (void)begin_clone(101, 90, false);
    expect(is_to_go_on() && stage.thread->building->pages == 90, "a shorter one");
    expect(create_contiguous(40, true) == 0, "contiguous memory after all");
    const struct memory *made = slot_at(STAGE_RESULT)->object;
    expect(made->pages == 40 && made->resident == 40 && !stage.thread->building, "is there whole");
    capability_delete(slot_at(STAGE_RESULT));
    expect(begin_clone(100, 100, true) == 0, "a clone, made to its end");
    made = slot_at(STAGE_RESULT)->object;
    expect(made->resident == 100 && !made->source && made->cursor == 0, "is whole too");
}

// Frames run out while a clone is made, of pages that are shared, and of such as must be copied.
static void clone_without_frames(void) {
    struct memory *source = anonymous(100, 20, true);
    for (uint32_t pinned = 0; pinned < 2; pinned++) {
        source->pinned = pinned;
        bool failed = false, made = false;
        for (uint32_t left = 0; left < 30; left++) {
            struct memory *clone = NULL;
            machine_leave_frames(left);
            uint64_t before = frame_free_bytes();
            error_t error = memory_clone(source, stage.root, 0, 20 * PAGE_BYTES, &clone);
            expect(!error == !!clone && (!error || error == ERR_NO_MEMORY), "a clone or none");
            expect(!clone || clone->resident == 20, "with all pages");
            failed |= error != ERR_OK;
            made |= error == ERR_OK;
            if (clone)
                object_release(&clone->object);
            (void)reaper_run(UINT32_MAX);
            expect(frame_free_bytes() >= before, "all frames come back");
            machine_return_frames();
        }
        expect(failed && made, "both were seen");
    }
}

// The pages of a clone lie across the end of one page of the source's tree.
static void clone_across_tables(void) {
    struct memory *source = anonymous(100, 530, false), *clone = NULL;
    uint64_t frame, other;
    bool shared;
    for (uint64_t page = 505; page < 521; page++)
        life_must(memory_page(source, page, true, &frame, &shared), "a page");
    life_must(memory_clone(source, stage.root, 500 * PAGE_BYTES, 30 * PAGE_BYTES, &clone), "a clone");
    expect(clone->resident == 16, "with the pages that are there");
    for (uint64_t page = 505; page < 521; page++) {
        life_must(memory_page(source, page, false, &frame, &shared), "the source's");
        life_must(memory_page(clone, page - 500, false, &other, &shared), "the clone's");
        expect(frame == other && shared, "each in its place");
    }
    object_release(&clone->object);
    (void)reaper_run(UINT32_MAX);
}

// The most mappings of one object: its pages are worked on one at a time.
static void many_mappings_of_one(void) {
    struct memory *memory = anonymous(100, 12, true);
    uint64_t address;
    for (int i = 0; i < MEMORY_MAPPINGS; i++) {
        address = 0;
        life_must(map_at(memory, &address, 12 * PAGE_BYTES, both), "a mapping");
    }
    uint64_t last = address;
    address = 0;
    expect(map_at(memory, &address, PAGE_BYTES, both) == ERR_QUOTA, "no more than that");
    void *at;
    life_must(space_touch(&stage.process->space, last + 3 * PAGE_BYTES, ACCESS_WRITE, &at), "a page");
    expect(memory_discard(memory, 0, 12) == 1, "a page at a time");
    (void)begin_clone(100, 12, false);
    expect(is_to_go_on() && stage.thread->building->cursor == 1, "and so it is cloned");
    expect(begin_clone(100, 12, true) == 0 && ((struct memory *)slot_at(STAGE_RESULT)->object)->resident == 11, "to the end");
    stage.thread->registers.words[0] = 0;
    stage.thread->registers.words[1] = 12 * PAGE_BYTES;
    expect(act_to_end(100, TAG(METHOD_MEMORY_DISCARD, 2)) == 0 && memory->resident == 0, "and discarded");
    expect(!page_lookup(&stage.process->space.tables, last + 3 * PAGE_BYTES), "out of the tables");
    stage.thread->registers.words[0] = stage.process->space.search_base & ~(uint64_t)0xfff;
    stage.thread->registers.words[1] = last + 12 * PAGE_BYTES - stage.thread->registers.words[0];
    (void)act(SYS_CALL, STAGE_SELF, TAG(METHOD_PROCESS_UNMAP, 2), 0);
    expect(is_to_go_on(), "to unmap them all takes steps");
    expect(act_to_end(STAGE_SELF, TAG(METHOD_PROCESS_UNMAP, 2)) == 0 && memory->mapping_count == 0, "and comes to an end");
}

// The most mappings of one space.
static void full_space(void) {
    struct process *made;
    life_must(process_create(stage.root, &made), "a process");
    (void)life_give(stage.process, stage.root, 100, CAP_PROCESS, made);
    struct memory *device = slot_at(STAGE_MEMORY_PHYSICAL)->object;
    uint64_t address = 0x200000;
    for (int i = 0; i < SPACE_MAPPINGS; i++, address += PAGE_BYTES)
        life_must(space_map(&made->space, device, &address, PAGE_BYTES, 0, RIGHT_READ, RIGHT_READ, NULL), "a mapping");
    expect(space_map(&made->space, device, &address, PAGE_BYTES, 0, RIGHT_READ, RIGHT_READ, NULL) == ERR_QUOTA, "it is full");
    process_destroy(made);
    expect(!reaper_run(20), "it goes in steps");
    (void)reaper_run(UINT32_MAX);
}

// Page tables of a space that touched here and there are freed in steps; a clone of it is made in steps.
static void scattered_space(void) {
    struct process *made, *clone;
    life_must(process_create(stage.root, &made), "a process");
    (void)life_give(stage.process, stage.root, 100, CAP_PROCESS, made);
    struct memory *device = slot_at(STAGE_MEMORY_PHYSICAL)->object;
    for (uint64_t i = 0, address = 0x200000; i < 40; i++, address += UINT64_C(0x200000)) {
        struct mapping *missing;
        life_must(space_map(&made->space, device, &address, PAGE_BYTES, 0, RIGHT_READ, RIGHT_READ, NULL), "a mapping");
        life_must(space_fault(&made->space, address, ACCESS_READ, &missing), "its page");
    }
    life_must(process_create(stage.root, &clone), "a process");
    (void)life_give(stage.process, stage.root, 101, CAP_PROCESS, clone);
    stage.thread->page->send_caps[0] = 100;
    const uint64_t tag = TAG(METHOD_PROCESS_CLONE_SPACE, 0) | UINT64_C(1) << TAG_CAPS_SHIFT;
    (void)act(SYS_CALL, 101, tag, 0);
    expect(is_to_go_on(), "more than a step");
    expect(act_to_end(101, tag) == 0 && clone->space.mapping_count == 40, "all are there");
    process_destroy(clone);
    (void)reaper_run(UINT32_MAX);
    stage.thread->registers.words[0] = 0x200000;
    expect(act_to_end(100, TAG(METHOD_PROCESS_RESET, 0)) == 0, "it is emptied");
    expect(made->space.serial && !made->space.mapping_count, "and a new space");
}

static void gaps(void) {
    struct memory *device = slot_at(STAGE_MEMORY_PHYSICAL)->object, *large = anonymous(100, 20, false);
    const uint64_t base = stage.process->space.search_base; // a page is mapped one page above it
    uint64_t address = base + 2 * PAGE_BYTES;
    life_must(map_at(device, &address, PAGE_BYTES, RIGHT_READ), "right behind it");
    address = base + 11 * PAGE_BYTES;
    life_must(map_at(device, &address, PAGE_BYTES, RIGHT_READ), "seven pages and a guard on");
    address = 0;
    expect(map_at(large, &address, 7 * PAGE_BYTES, RIGHT_READ) == 0 && address == base + 13 * PAGE_BYTES, "one page too many");
    address = 0;
    expect(map_at(large, &address, 6 * PAGE_BYTES, RIGHT_READ) == 0 && address == base + 4 * PAGE_BYTES, "this just fits");
    address = USER_HIGHEST - PAGE_BYTES;
    expect(map_at(large, &address, 2 * PAGE_BYTES, RIGHT_READ) == ERR_INVALID, "beyond the last page");
    address = 0;
    error_t error = ERR_OK;
    machine_leave_frames(0);
    for (int i = 0; i < 60 && !error; i++, address = 0)
        error = map_at(device, &address, PAGE_BYTES, RIGHT_READ);
    machine_return_frames();
    expect(error == ERR_NO_MEMORY, "mappings take memory");
}

// A page that a clone shares is read through a writable mapping, and written then: only the writer's changes.
static void shared_page(void) {
    struct memory *memory = slot_at(STAGE_MEMORY)->object, *clone = slot_at(STAGE_MEMORY_CLONE)->object;
    uint64_t address = 0, frame, other;
    bool shared;
    void *at;
    life_must(map_at(memory, &address, 4 * PAGE_BYTES, both), "a second mapping");
    life_must(space_touch(&stage.process->space, address, ACCESS_READ, &at), "reading");
    expect(!(page_lookup(&stage.process->space.tables, address) & PAGE_WRITE), "it can't be written as it is");
    life_must(memory_page(clone, 0, false, &frame, &shared), "the clone's");
    expect(shared, "it is shared");
    life_must(space_touch(&stage.process->space, address, ACCESS_WRITE, &at), "writing");
    *(char *)at = 99;
    life_must(memory_page(memory, 0, false, &other, &shared), "the source's");
    expect(other != frame && !shared && *(char *)direct_map(frame) != 99, "the clone keeps what it had");
    life_must(space_touch(&stage.process->space, 0x200000, ACCESS_READ, &at), "through the first mapping");
    expect(*(char *)at == 99, "the new page");
}

static void no_memory_to_copy(void) {
    stage.thread->page->lend_write = (struct lend){0x201000, 8};
    stage.thread->registers.words[0] = 0x206000;
    const uint64_t tag = TAG(METHOD_PROCESS_PEEK, 1) | TAG_LEND_WRITE;
    expect(act(SYS_CALL, STAGE_SELF, tag, 0) == ERR_FAULT, "a device's registers are not copied");
    struct process *resetting = slot_at(STAGE_PROCESS_RESETTING)->object;
    struct mapping *missing;
    expect(space_fault(&resetting->space, 0x200000, ACCESS_READ, &missing) == ERR_FAULT, "nor is a space half taken apart");
}

const struct scene memory_scenes[] = {{"half made", half_made},
                                      {"a clone without frames", clone_without_frames},
                                      {"a clone across tables", clone_across_tables},
                                      {"many mappings of one object", many_mappings_of_one},
                                      {"a full space", full_space},
                                      {"a scattered space", scattered_space},
                                      {"gaps", gaps},
                                      {"a shared page", shared_page},
                                      {"no memory to copy", no_memory_to_copy},
                                      {0}};
