// Memory objects and mappings: zero pages, clones, protect, unmap that splits, discard, zero, read and write, physical,
// derive, pagers.
#include "tests/kernel/harness.h"

#include "libipc/protocols/kernel.h"

enum { READ_WRITE = MAP_FLAG_READ | MAP_FLAG_WRITE };

static uint64_t resident(cap_t memory) {
    uint64_t length, kind, bytes = 0;
    must(memory_information(memory, &length, &kind, &bytes), "memory.information");
    return bytes;
}

static bool is_zero(const volatile uint8_t *bytes, uint64_t length) {
    for (uint64_t i = 0; i < length; i++)
        if (bytes[i])
            return false;
    return true;
}

static void test_map(void) {
    cap_t memory = new_memory(4 * PAGE);
    uint64_t address = 0, length, kind, bytes, offset, flags;
    must(memory_information(memory, &length, &kind, &bytes), "information");
    check(length == 4 * PAGE && kind == MEMORY_KIND_ANONYMOUS && bytes == 0, "new memory: length, kind, nothing resident");
    check_error(process_map(SLOT_SELF, 0, 4 * PAGE, 0, READ_WRITE, memory, &address), ERR_OK, "mapping");
    volatile uint8_t *at = (volatile uint8_t *)address;
    check(is_zero(at, 4 * PAGE), "it reads as zero");
    at[PAGE] = 5;
    check_value(at[PAGE], 5, "it can be written");
    check_error(process_region(SLOT_SELF, address + PAGE + 1, &address, &length, &offset, &flags), ERR_OK, "its region");
    check(address == (uint64_t)at && length == 4 * PAGE && offset == 0 && flags == READ_WRITE, "is as mapped");
    volatile uint8_t *again = map_memory(memory, 4 * PAGE, MAP_FLAG_READ);
    check_value(again[PAGE], 5, "a second mapping shows the same page");
    at[2 * PAGE] = 6;
    check_value(again[2 * PAGE], 6, "and later writes");
    unmap(again, 4 * PAGE);
    uint64_t other;
    check_error(process_map(SLOT_SELF, address, PAGE, 0, MAP_FLAG_FIXED | MAP_FLAG_READ, memory, &other), ERR_EXISTS,
                "mapping over a mapping");
    check_error(process_map(SLOT_SELF, address + 3 * PAGE, 2 * PAGE, 0, MAP_FLAG_FIXED | MAP_FLAG_READ, memory, &other),
                ERR_EXISTS, "or over its end");
    check_error(process_map(SLOT_SELF, address - PAGE, 2 * PAGE, 0, MAP_FLAG_FIXED | MAP_FLAG_READ, memory, &other), ERR_EXISTS,
                "or over its start");
    check_error(process_map(SLOT_SELF, 0, 5 * PAGE, 0, MAP_FLAG_READ, memory, &other), ERR_INVALID, "more than there is");
    check_error(process_map(SLOT_SELF, 0, PAGE, 4 * PAGE, MAP_FLAG_READ, memory, &other), ERR_INVALID, "past the end");
    check_error(process_map(SLOT_SELF, 0, PAGE, 1, MAP_FLAG_READ, memory, &other), ERR_INVALID, "at an odd offset");
    check_error(process_map(SLOT_SELF, 0, 0, 0, MAP_FLAG_READ, memory, &other), ERR_INVALID, "of no length");
    check_error(process_map(SLOT_SELF, 0, PAGE, UINT64_MAX - PAGE + 1, MAP_FLAG_READ, memory, &other), ERR_INVALID,
                "at a huge offset");
    check_error(process_map(SLOT_SELF, 0x1000, PAGE, 0, MAP_FLAG_FIXED | MAP_FLAG_READ, memory, &other), ERR_INVALID,
                "at the lowest addresses");
    check_error(process_map(SLOT_SELF, 0x7ffffffff000, PAGE, 0, MAP_FLAG_FIXED | MAP_FLAG_READ, memory, &other), ERR_INVALID,
                "in the last user page");
    check_error(process_map(SLOT_SELF, 0xffff800000000000, PAGE, 0, MAP_FLAG_FIXED | MAP_FLAG_READ, memory, &other), ERR_INVALID,
                "at a kernel address");
    check_error(process_map(SLOT_SELF, 0, PAGE, 0, MAP_FLAG_FIXED | MAP_FLAG_READ, memory, &other), ERR_INVALID, "fixed at 0");
    check_error(process_map(SLOT_SELF, 0, PAGE, 0, 0x80, memory, &other), ERR_INVALID, "with an unknown flag");
    check_error(process_map(SLOT_SELF, 0, PAGE, 0, MAP_FLAG_WRITE | MAP_FLAG_EXECUTE, memory, &other), ERR_RIGHTS,
                "writable and executable");
    cap_t weak = 0;
    must(slot_duplicate(memory, RIGHT_READ | RIGHT_COPY, &weak), "a weak capability");
    check_error(process_map(SLOT_SELF, 0, PAGE, 0, READ_WRITE, weak, &other), ERR_RIGHTS, "to write without the right");
    check_error(process_map(SLOT_SELF, 0, PAGE, 0, MAP_FLAG_READ, weak, &other), ERR_OK, "to read with the right");
    check_error(process_protect(SLOT_SELF, other, PAGE, READ_WRITE), ERR_RIGHTS, "protect can't give more");
    unmap((void *)other, PAGE);
    slot_release(weak);
    slot_release(memory);
    at[3 * PAGE] = 7;
    check_value(at[3 * PAGE], 7, "a mapping outlives the capability");
    unmap(at, 4 * PAGE);
}

// Unmap and protect in the middle of a mapping.
static void test_split(void) {
    cap_t memory = new_memory(8 * PAGE);
    volatile uint8_t *at = map_memory(memory, 8 * PAGE, READ_WRITE);
    for (int i = 0; i < 8; i++)
        at[i * PAGE] = (uint8_t)(10 + i);
    unmap(at + 3 * PAGE, 2 * PAGE);
    uint64_t start, length, offset, flags;
    must(process_region(SLOT_SELF, (uint64_t)at, &start, &length, &offset, &flags), "region");
    check(start == (uint64_t)at && length == 3 * PAGE && offset == 0, "unmapping the middle leaves the lower part");
    must(process_region(SLOT_SELF, (uint64_t)at + 3 * PAGE, &start, &length, &offset, &flags), "region");
    check(start == (uint64_t)at + 5 * PAGE && length == 3 * PAGE && offset == 5 * PAGE, "and the upper part");
    check(at[2 * PAGE] == 12 && at[5 * PAGE] == 15 && at[7 * PAGE] == 17, "with their contents");
    uint64_t moved = 1;
    uint8_t byte;
    check_error(process_peek(SLOT_SELF, (uint64_t)at + 3 * PAGE, &byte, 1, &moved), ERR_FAULT, "the middle is gone");
    check_error(process_map(SLOT_SELF, (uint64_t)at + 3 * PAGE, 2 * PAGE, 3 * PAGE, MAP_FLAG_FIXED | READ_WRITE, memory, &start),
                ERR_OK, "mapping it again");
    check(at[3 * PAGE] == 13 && at[4 * PAGE] == 14, "shows the pages that the object kept");
    check_error(process_protect(SLOT_SELF, (uint64_t)at + PAGE, 6 * PAGE, MAP_FLAG_READ), ERR_OK, "protecting across three");
    must(process_region(SLOT_SELF, (uint64_t)at + PAGE, &start, &length, &offset, &flags), "region");
    check(start == (uint64_t)at + PAGE && flags == MAP_FLAG_READ && offset == PAGE, "cuts the first");
    check_value(at[4 * PAGE], 14, "what is protected can be read");
    at[0] = 1, at[7 * PAGE] = 2;
    check(at[0] == 1 && at[7 * PAGE] == 2, "what is not can be written");
    check_error(process_poke(SLOT_SELF, (uint64_t)at + 4 * PAGE, "x", 1, &moved), ERR_FAULT, "what is protected can't");
    check_error(process_protect(SLOT_SELF, (uint64_t)at, 8 * PAGE, MAP_FLAG_WRITE | MAP_FLAG_EXECUTE), ERR_RIGHTS,
                "protect refuses writable and executable");
    check_error(process_protect(SLOT_SELF, (uint64_t)at, 8 * PAGE, READ_WRITE), ERR_OK, "protecting back");
    at[4 * PAGE] = 3;
    check_value(at[4 * PAGE], 3, "it can be written again");
    cap_t weak = 0;
    must(slot_duplicate(memory, RIGHT_READ, &weak), "a weak capability");
    unmap(at + 7 * PAGE, PAGE);
    must(process_map(SLOT_SELF, (uint64_t)at + 7 * PAGE, PAGE, 7 * PAGE, MAP_FLAG_FIXED | MAP_FLAG_READ, weak, &start),
         "mapping");
    must(process_protect(SLOT_SELF, (uint64_t)at, 8 * PAGE, MAP_FLAG_READ), "protecting");
    check_error(process_protect(SLOT_SELF, (uint64_t)at, 8 * PAGE, READ_WRITE), ERR_RIGHTS, "a protect that can't be done");
    must(process_region(SLOT_SELF, (uint64_t)at, &start, &length, &offset, &flags), "region");
    check_value(flags, MAP_FLAG_READ, "does nothing");
    slot_release(weak);
    check_error(process_protect(SLOT_SELF, (uint64_t)at, 8 * PAGE, 1), ERR_INVALID, "an unknown flag");
    check_error(process_protect(SLOT_SELF, (uint64_t)at + 1, PAGE, READ_WRITE), ERR_INVALID, "an odd address");
    check_error(process_unmap(SLOT_SELF, (uint64_t)at, PAGE + 1), ERR_INVALID, "an odd length");
    check_error(process_unmap(SLOT_SELF, (uint64_t)at, 0), ERR_INVALID, "no length");
    check_error(process_unmap(SLOT_SELF, 0x7ffffffff000, PAGE), ERR_INVALID, "past user space");
    check_error(process_unmap(SLOT_SELF, (uint64_t)at, UINT64_MAX - PAGE + 1), ERR_INVALID, "a huge length");
    unmap(at, 8 * PAGE);
    check_error(process_unmap(SLOT_SELF, (uint64_t)at, 8 * PAGE), ERR_OK, "unmapping nothing");
    slot_release(memory);
}

static void test_clone(void) {
    enum { PAGES = 20 };
    cap_t source = new_memory(PAGES * PAGE), clone = 0, second = 0;
    volatile uint8_t *at = map_memory(source, PAGES * PAGE, READ_WRITE);
    for (int i = 0; i < PAGES; i += 2)
        at[i * PAGE] = (uint8_t)(1 + i);
    uint64_t before = free_bytes();
    check_error(memory_clone(source, 0, PAGES * PAGE, SLOT_ACCOUNT, &clone), ERR_OK, "a clone");
    check(before - free_bytes() < 4 * PAGE, "takes no pages of its own");
    volatile uint8_t *copy = map_memory(clone, PAGES * PAGE, READ_WRITE);
    check(copy[0] == 1 && copy[2 * PAGE] == 3 && copy[PAGE] == 0, "it shows the source's pages");
    at[0] = 77;
    check(at[0] == 77 && copy[0] == 1, "writes to the source stay with it");
    copy[2 * PAGE] = 78;
    check(copy[2 * PAGE] == 78 && at[2 * PAGE] == 3, "writes to the clone stay with it");
    at[PAGE] = 79;
    check_value(copy[PAGE], 0, "pages that were not there are not shared");
    check_error(memory_clone(clone, 2 * PAGE, 4 * PAGE, SLOT_ACCOUNT, &second), ERR_OK, "a clone of part of the clone");
    volatile uint8_t *third = map_memory(second, 4 * PAGE, READ_WRITE);
    check(third[0] == 78 && third[2 * PAGE] == 5, "shows its pages");
    copy[4 * PAGE] = 80, at[4 * PAGE] = 81;
    check(third[2 * PAGE] == 5 && copy[4 * PAGE] == 80 && at[4 * PAGE] == 81, "three sharers of a page go their ways");
    uint64_t moved;
    check_error(memory_write(clone, 6 * PAGE, "w", 1, &moved), ERR_OK, "a write that is not by a mapping");
    check(copy[6 * PAGE] == 'w' && at[6 * PAGE] == 7 && third[4 * PAGE - PAGE] == 0, "is private as well");
    unmap(at, PAGES * PAGE);
    slot_release(source);
    check(copy[8 * PAGE] == 9, "a clone outlives its source");
    copy[8 * PAGE] = 82;
    check_value(copy[8 * PAGE], 82, "and takes over its pages");
    check_error(memory_clone(clone, 1, PAGE, SLOT_ACCOUNT, &source), ERR_INVALID, "an odd offset");
    check_error(memory_clone(clone, 0, (PAGES + 1) * PAGE, SLOT_ACCOUNT, &source), ERR_INVALID, "more than there is");
    check_error(memory_clone(clone, 0, PAGE, clone, &source), ERR_WRONG_KIND, "without an account");
    unmap(third, 4 * PAGE);
    unmap(copy, PAGES * PAGE);
    slot_release(second);
    slot_release(clone);
}

static void test_contents(void) {
    enum { PAGES = 12 };
    static uint8_t bytes[2 * PAGE + 100];
    cap_t memory = new_memory(PAGES * PAGE);
    uint64_t moved = 0;
    for (unsigned i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * 7 + 1);
    check_error(memory_write(memory, 300, bytes, sizeof(bytes), &moved), ERR_OK, "writing to memory that is not mapped");
    check_value(moved, sizeof(bytes), "all bytes");
    check_value(resident(memory), 3 * PAGE, "brings its pages in");
    memset(bytes, 0, sizeof(bytes));
    check_error(memory_read(memory, 300, bytes, sizeof(bytes), &moved), ERR_OK, "reading it");
    bool same = true;
    for (unsigned i = 0; i < sizeof(bytes); i++)
        same = same && bytes[i] == (uint8_t)(i * 7 + 1);
    check(same, "gives the same bytes");
    check_error(memory_read(memory, PAGES * PAGE - 10, bytes, 100, &moved), ERR_OK, "reading over the end");
    check_value(moved, 10, "gives what is there");
    check_error(memory_read(memory, PAGES * PAGE + 1, bytes, 1, &moved), ERR_INVALID, "reading past the end");
    check_error(memory_read(memory, UINT64_MAX, bytes, 1, &moved), ERR_INVALID, "reading far past the end");
    volatile uint8_t *at = map_memory(memory, PAGES * PAGE, READ_WRITE);
    check_error(memory_zero(memory, 310, PAGE), ERR_OK, "zeroing");
    check(at[309] && is_zero(at + 310, PAGE) && at[310 + PAGE], "zeroes just that");
    check_error(memory_zero(memory, PAGES * PAGE - 1, 2), ERR_INVALID, "zeroing past the end");
    check_error(memory_discard(memory, PAGE, PAGE), ERR_OK, "discarding a mapped page");
    check_value(resident(memory), 3 * PAGE, "gives it back");
    check(is_zero(at + PAGE, PAGE), "and it reads as zero");
    check_error(memory_discard(memory, 1, PAGE), ERR_INVALID, "discarding at an odd offset");
    check_error(memory_discard(memory, 0, (PAGES + 1) * PAGE), ERR_INVALID, "discarding too much");
    cap_t weak = 0;
    must(slot_duplicate(memory, RIGHT_READ, &weak), "a weak capability");
    check_error(memory_write(weak, 0, bytes, 1, &moved), ERR_RIGHTS, "writing without the right");
    check_error(memory_zero(weak, 0, 1), ERR_RIGHTS, "zeroing without the right");
    check_error(memory_discard(weak, 0, PAGE), ERR_RIGHTS, "discarding without the right");
    check_error(memory_read(weak, 0, bytes, 1, &moved), ERR_OK, "reading with the right");
    slot_release(weak);
    check_error(memory_write(memory, 0, (const void *)0xffff800000000000, 16, &moved), ERR_FAULT, "from a kernel address");
    check_error(memory_read(memory, 0, (void *)0x10, 16, &moved), ERR_FAULT, "to an address that is not mapped");
    check_error(memory_read(memory, 0, (void *)(uintptr_t)test_memory, 16, &moved), ERR_FAULT, "to code");
    unmap(at, PAGES * PAGE);
    slot_release(memory);
}

static void test_physical(void) {
    cap_t memory = new_memory(3 * PAGE), contiguous = 0, clone = 0;
    uint64_t first = 0, after = 0, run = 0, base = 0;
    volatile uint8_t *at = map_memory(memory, 3 * PAGE, READ_WRITE);
    check_error(memory_physical(memory, PAGE, &first, &run), ERR_OK, "the physical address of a page");
    check(first && first % PAGE == 0 && run == PAGE, "is one");
    check_error(memory_physical(memory, PAGE + 1, &after, &run), ERR_INVALID, "not of a byte");
    check_error(memory_physical(memory, 3 * PAGE, &after, &run), ERR_INVALID, "nor past the end");
    at[PAGE] = 3;
    must(memory_discard(memory, 0, 3 * PAGE), "discarding");
    check_value(at[PAGE], 3, "such memory can't be discarded");
    check_error(memory_clone(memory, 0, 3 * PAGE, SLOT_ACCOUNT, &clone), ERR_OK, "but cloned");
    at[PAGE] = 4;
    must(memory_physical(memory, PAGE, &after, &run), "again");
    check_value(after, first, "its pages stay where they are when they are written");
    uint64_t moved;
    uint8_t byte = 0;
    must(memory_read(clone, PAGE, &byte, 1, &moved), "reading the clone");
    check_value(byte, 3, "and the clone keeps what was there");
    slot_release(clone);
    cap_t weak = 0;
    must(slot_duplicate(memory, RIGHT_READ | RIGHT_WRITE, &weak), "a weak capability");
    check_error(memory_physical(weak, 0, &after, &run), ERR_RIGHTS, "without DMA there is no address");
    slot_release(weak);
    must(account_create_contiguous(SLOT_ACCOUNT, 5 * PAGE, 0, &base, &contiguous), "contiguous memory");
    check_error(memory_physical(contiguous, 2 * PAGE, &after, &run), ERR_OK, "inside contiguous memory");
    check(after == base + 2 * PAGE && run == 3 * PAGE, "the rest follows");
    volatile uint8_t *block = map_memory(contiguous, 5 * PAGE, READ_WRITE);
    check(is_zero(block, 5 * PAGE), "it is zeroed");
    check_error(memory_clone(contiguous, 0, PAGE, SLOT_ACCOUNT, &clone), ERR_INVALID, "it can't be cloned");
    unmap(block, 5 * PAGE);
    slot_release(contiguous);
    unmap(at, 3 * PAGE);
    slot_release(memory);
}

static void test_device_memory(void) {
    cap_t device = 0, part = 0;
    uint64_t length, kind, bytes;
    check_error(kernel_device_memory(SLOT_KERNEL, 0xfee00000, PAGE, 0, &device), ERR_OK, "device memory");
    must(memory_information(device, &length, &kind, &bytes), "information");
    check(length == PAGE && kind == MEMORY_KIND_PHYSICAL, "is physical memory");
    check_error(memory_clone(device, 0, PAGE, SLOT_ACCOUNT, &part), ERR_INVALID, "no clone of a device");
    uint64_t moved;
    uint8_t byte;
    check_error(memory_read(device, 0, &byte, 1, &moved), ERR_FAULT, "the kernel does not read a device");
    check_error(memory_zero(device, 0, 1), ERR_INVALID, "nor zero it");
    must(slot_duplicate(device, RIGHTS_ALL, &part), "a copy");
    check_error(process_slot_revoke(SLOT_SELF, device), ERR_OK, "revoking it");
    check_error(memory_information(part, &length, &kind, &bytes), ERR_BAD_CAPABILITY, "takes the copy");
    slot_give_back(part);
    slot_release(device);
    uint64_t physical;
    must(account_create_contiguous(SLOT_ACCOUNT, PAGE, 0, &physical, &part), "RAM");
    check_error(kernel_device_memory(SLOT_KERNEL, physical, PAGE, 0, &device), ERR_INVALID, "RAM is no device");
    slot_release(part);
    uint64_t taken = 0;
    for (uint64_t at = 0x100000; at < 0x2000000; at += PAGE) // the kernel's image and the records of frames lie here
        if (kernel_device_memory(SLOT_KERNEL, at, PAGE, 0, &device) == ERR_OK) {
            taken++;
            slot_release(device);
        }
    check_value(taken, 0, "nor is the kernel's own memory");
    check_error(kernel_device_memory(SLOT_KERNEL, 1, PAGE, 0, &device), ERR_INVALID, "an odd address");
    check_error(kernel_device_memory(SLOT_KERNEL, 0xfee00000, PAGE, 2, &device), ERR_INVALID, "an unknown flag");
    check_error(kernel_device_memory(SLOT_KERNEL, 0, 0, 0, &device), ERR_INVALID, "no length");
    check_error(kernel_device_memory(SLOT_KERNEL, UINT64_C(1) << 52, PAGE, 0, &device), ERR_INVALID,
                "past the physical address space");
}

// Touches the page whose address is its argument, then tells what it read.
static void toucher(struct actor *actor) {
    actor->values[0] = *(volatile uint8_t *)actor->arguments[0];
    actor->values[1] = 1;
    if (actor->arguments[1])
        *(volatile uint8_t *)actor->arguments[0] = 99;
}

static void test_pager(void) {
    cap_t endpoint = new_endpoint(), pager = new_session(endpoint, 31), paged = 0, source = new_memory(4 * PAGE);
    uint64_t moved = 7;
    uint8_t byte = 0;
    check_error(account_create_paged(SLOT_ACCOUNT, 4 * PAGE, pager, &paged), ERR_OK, "paged memory");
    slot_release(pager);
    check_error(memory_read(paged, 0, &byte, 1, &moved), ERR_PAGE_MISSING, "a page that is not there");
    check_error(memory_zero(paged, 0, 1), ERR_PAGE_MISSING, "can't be zeroed");
    uint8_t *at = map_memory(paged, 4 * PAGE, READ_WRITE);
    check_error(process_peek(SLOT_SELF, (uint64_t)at, &byte, 1, &moved), ERR_PAGE_MISSING, "nor peeked at");
    struct actor *reader = actor_new(toucher, ACTOR_PRIORITY, 0);
    reader->arguments[0] = (uint64_t)at + PAGE + 5;
    reader->arguments[1] = 1;
    actor_go(reader);
    check_value(actor_state(reader), THREAD_STATE_FAULTED, "who touches it waits");
    struct ipc_registers registers;
    check_error(receive_poll(endpoint, &registers), ERR_OK, "the pager is asked");
    check(registers.target == 31 && tag_method(registers.tag) == EVENT_PAGE && registers.words[0] == PAGE &&
              registers.words[1] == 0,
          "for the page, by its badge");
    must(memory_write(source, 2 * PAGE + 5, "p", 1, &moved), "filling the source");
    check_error(memory_supply(paged, PAGE, PAGE, 2 * PAGE, source), ERR_OK, "supplying it");
    check_value(resident(source), 0, "moves it out of the source");
    check_value(resident(paged), PAGE, "into the paged object");
    check_error(answer(0, 0, 0), ERR_OK, "answering the request");
    check(reader->done && reader->values[0] == 'p', "the reader goes on with its contents");
    check_value(at[PAGE + 5], 99, "and has written to it");
    actor_free(reader);
    reader = actor_new(toucher, ACTOR_PRIORITY, 0);
    reader->arguments[0] = (uint64_t)at + 3 * PAGE;
    actor_go(reader);
    must(receive_poll(endpoint, &registers), "the pager's request");
    check_error(answer(0, ERR_IO, 0), ERR_OK, "a pager that gives up");
    check_value(actor_state(reader), THREAD_STATE_STOPPED, "stops a thread that has no keeper");
    check_value(reader->values[1], 0, "which did not go on");
    actor_free(reader);
    reader = actor_new(toucher, ACTOR_PRIORITY, 0);
    reader->arguments[0] = (uint64_t)at + 3 * PAGE;
    actor_go(reader);
    check_error(memory_supply(paged, 3 * PAGE, PAGE, 0, paged), ERR_INVALID, "supplying from paged memory");
    check_error(memory_supply(paged, 4 * PAGE, PAGE, 0, source), ERR_INVALID, "supplying past the end");
    check_error(memory_supply(source, 0, PAGE, 0, source), ERR_INVALID, "supplying anonymous memory");
    check_error(memory_discard(paged, PAGE, PAGE), ERR_OK, "discarding a supplied page");
    check_error(process_peek(SLOT_SELF, (uint64_t)at + PAGE, &byte, 1, &moved), ERR_PAGE_MISSING, "it is missing again");
    check_error(memory_clone(paged, 0, PAGE, SLOT_ACCOUNT, &pager), ERR_INVALID, "paged memory can't be cloned");
    slot_release(endpoint); // with the request in its queue
    check_value(actor_state(reader), THREAD_STATE_STOPPED, "the end of the pager ends the wait");
    actor_free(reader);
    unmap(at, 4 * PAGE);
    slot_release(paged);
    slot_release(source);
}

// Pages that two objects have for good: what a file server lends a network card.
static void test_share(void) {
    cap_t endpoint = new_endpoint(), pager = new_session(endpoint, 32), paged = 0, clone = 0, source = new_memory(12 * PAGE);
    uint64_t moved, first = 0, second = 0, run;
    uint8_t byte = 0;
    must(memory_write(source, 10 * PAGE, "s", 1, &moved), "filling the source");
    must(memory_physical(source, 10 * PAGE, &first, &run), "the address of a page");
    must(account_create_paged(SLOT_ACCOUNT, 4 * PAGE, pager, &paged), "paged memory");
    slot_release(pager);
    check_error(memory_share(paged, PAGE, 2 * PAGE, 10 * PAGE, source), ERR_OK, "sharing pages");
    check_value(resident(source), 2 * PAGE, "leaves them where they are");
    check_value(resident(paged), 2 * PAGE, "and puts them into the other object");
    must(memory_physical(paged, PAGE, &second, &run), "the address there");
    check_value(second, first, "is the same");
    uint8_t *at = map_memory(source, 12 * PAGE, READ_WRITE);
    at[10 * PAGE] = 't';
    must(memory_read(paged, PAGE, &byte, 1, &moved), "reading");
    check_value(byte, 't', "what was stored by a mapping");
    must(memory_write(source, 10 * PAGE, "u", 1, &moved), "writing without one");
    must(memory_read(paged, PAGE, &byte, 1, &moved), "reading");
    check_value(byte, 'u', "is seen as well");
    must(memory_physical(source, 10 * PAGE, &second, &run), "the address");
    check_value(second, first, "has stayed");
    must(memory_discard(source, 10 * PAGE, PAGE), "discarding");
    must(memory_discard(paged, PAGE, PAGE), "discarding");
    check_value(resident(source) + resident(paged), 4 * PAGE, "takes none of them away");
    must(memory_clone(source, 10 * PAGE, PAGE, SLOT_ACCOUNT, &clone), "a clone");
    must(memory_write(source, 10 * PAGE, "v", 1, &moved), "writing to its source");
    must(memory_read(clone, 0, &byte, 1, &moved), "reading the clone");
    check_value(byte, 'u', "it is a copy");
    must(memory_read(paged, PAGE, &byte, 1, &moved), "reading");
    check_value(byte, 'v', "the other is none");
    check_error(memory_share(paged, 0, PAGE, 0, clone), ERR_INVALID, "a clone's pages can't be shared");
    check_error(memory_share(paged, 0, PAGE, 0, paged), ERR_INVALID, "nor those of paged memory");
    check_error(memory_share(source, 0, PAGE, 0, source), ERR_INVALID, "nor with anonymous memory");
    check_error(memory_share(paged, 0, PAGE, 12 * PAGE, source), ERR_INVALID, "nor pages past the end");
    check_error(memory_share(paged, 4 * PAGE, PAGE, 0, source), ERR_INVALID, "nor to a place past the end");
    slot_release(clone);
    unmap(at, 12 * PAGE);
    slot_release(source);
    must(memory_read(paged, PAGE, &byte, 1, &moved), "reading when the source has gone");
    check_value(byte, 'v', "they are still there");
    uint64_t before = free_bytes();
    struct ipc_registers registers;
    check_error(receive_poll(endpoint, &registers), ERR_DEADLINE, "the pager's session lives");
    slot_release(paged);
    check(free_bytes() >= before + 2 * PAGE, "and are free with the last of both");
    check_error(receive_poll(endpoint, &registers), ERR_OK, "the pager is told");
    check(registers.target == 32 && tag_method(registers.tag) == EVENT_SESSION_CLOSED, "that nobody has the memory any more");
    source = new_memory(2 * PAGE);
    must(memory_clone(source, 0, PAGE, SLOT_ACCOUNT, &clone), "a clone");
    pager = new_session(endpoint, 33);
    must(account_create_paged(SLOT_ACCOUNT, PAGE, pager, &paged), "paged memory");
    check_error(memory_share(paged, 0, PAGE, 0, source), ERR_INVALID, "what was cloned can't be shared");
    slot_release(pager);
    slot_release(paged);
    slot_release(clone);
    slot_release(source);
    slot_release(endpoint);
}

void test_memory(void) {
    test_map();
    test_split();
    test_clone();
    test_contents();
    test_physical();
    test_device_memory();
    test_pager();
    test_share();
}
