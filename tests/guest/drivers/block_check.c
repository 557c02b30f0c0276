// A role that tries a disk driver from the other side: lists devices and units, reads and writes by call and
// through rings, and says in the log what it found and how fast. Each sector of the disk begins with its own
// number in 8 bytes, as the test wrote it; the last quarter of disk 0 is written to. Arguments: "write"
// allows that, "speed" measures.
#include <stddef.h>

#include "drivers/framework/driver.h"
#include "drivers/framework/report.h"
#include "kernel/abi/capability.h"
#include "libipc/client/clock.h"
#include "libipc/client/slot.h"
#include "libipc/protocols/account.h"
#include "libipc/protocols/block.h"
#include "libipc/protocols/device.h"
#include "libipc/protocols/service.h"
#include "libipc/start/start.h"
#include "libipc/transfer/ring_pair.h"

enum { ENTRIES = 64, BUFFER_BYTES = 4 << 20, SECTOR = 512, MIB_SECTORS = 2048 };

struct target {
    cap_t block, notification, server;
    uint64_t server_bits;
    struct ring_pair rings;
    unsigned char *buffer;
    uint64_t buffer_id;
    struct block_status status;
};

static cap_t own_notification;
static unsigned char page[65536];
static cap_t kill_service; // while the driver is to be killed
static uint32_t kills, completions;

// Ends an actor at every 16th completion: of the driver, and each third time of `devices`.
static void kill_driver(void) {
    if (kill_service == 0 || ++completions % 16 != 0)
        return;
    bool other = kills % 3 == 2;
    if (service_kill(kill_service, other ? "devices" : "ata", other ? 7 : 3) == ERR_OK)
        kills++;
}

static bool has_argument(const char *wanted) {
    const char *argument;
    for (uint32_t i = 1; (argument = startup_argument(i)) != NULL; i++)
        if (__builtin_strcmp(argument, wanted) == 0)
            return true;
    return false;
}

static void list_devices(cap_t devices) {
    struct device_information information = {0};
    while (device_next(devices, information.id, &information) == ERR_OK) {
        struct text text = {0};
        text_add_bytes(&text, (const char *)information.name, sizeof(information.name));
        text_add(&text, " ");
        text_add_hex(&text, information.vendor, 4);
        text_add(&text, ":");
        text_add_hex(&text, information.device, 4);
        text_add(&text, " class ");
        text_add_hex(&text, (uint32_t)information.class << 16 | (uint32_t)information.subclass << 8 | information.interface, 6);
        text_add(&text, " line ");
        text_add_number(&text, information.line);
        text_add(&text, " driver ");
        text_add_bytes(&text, (const char *)information.driver, sizeof(information.driver));
        for (uint32_t i = 0; i < 6; i++) {
            if (information.regions[i].length == 0)
                continue;
            text_add(&text, information.regions[i].kind == REGION_KIND_PORTS ? " p" : " m");
            text_add_hex(&text, information.regions[i].address, 1);
            text_add(&text, "+");
            text_add_hex(&text, information.regions[i].length, 1);
        }
        report(REPORT_INFORMATION, &text);
    }
}

static error_t attach(struct target *target) {
    struct ring_pair_layout layout = ring_pair_layout(ENTRIES, sizeof(struct block_request), sizeof(struct block_completion));
    cap_t ring_memory, buffer;
    void *address;
    error_t error = account_create_memory(SLOT_ACCOUNT, layout.bytes, &ring_memory);
    if (error == ERR_OK)
        error = driver_map(ring_memory, layout.bytes, &address);
    if (error == ERR_OK)
        error = ring_pair_attach_client(&target->rings, address, layout.bytes, ENTRIES, sizeof(struct block_request),
                                        sizeof(struct block_completion));
    if (error == ERR_OK)
        error =
            block_attach_rings(target->block, ENTRIES, 1, ring_memory, own_notification, &target->server_bits, &target->server);
    if (error != ERR_OK)
        return error;
    target->rings.peer = target->server;
    target->rings.peer_bits = target->server_bits;
    error = account_create_memory(SLOT_ACCOUNT, BUFFER_BYTES, &buffer);
    if (error == ERR_OK)
        error = driver_map(buffer, BUFFER_BYTES, &address);
    target->buffer = address;
    if (error == ERR_OK)
        error = block_attach_buffer(target->block, buffer, &target->buffer_id);
    return error;
}

static void wait_for_completion(void) {
    struct ipc_registers registers = {.target = own_notification};
    error_t ignored = system_call(SYS_WAIT, &registers);
    (void)ignored;
}

// Transfers [first, first + count) in requests of `size` sectors, `depth` at once; `check` looks at what was
// read.
static uint64_t stream(struct target *target, uint32_t operation, uint64_t first, uint64_t count, uint32_t size, uint32_t depth,
                       bool check) {
    uint64_t next = first, end = first + count, bad = 0;
    uint32_t busy = 0, slots = BUFFER_BYTES / SECTOR / size;
    bool used[ENTRIES] = {false};
    uint64_t expected[ENTRIES] = {0};
    if (depth > slots)
        depth = slots;
    while (next < end || busy != 0) {
        for (uint32_t slot = 0; slot < depth && next < end; slot++) {
            if (used[slot])
                continue;
            uint32_t part = end - next < size ? (uint32_t)(end - next) : size;
            struct block_request request = {.cookie = (next << 8) | slot,
                                            .sector = next,
                                            .offset = (uint64_t)slot * size * SECTOR,
                                            .count = part,
                                            .operation = operation,
                                            .buffer = (uint32_t)target->buffer_id};
            for (uint32_t i = 0; operation == BLOCK_OPERATION_WRITE && check && i < part; i++)
                *(uint64_t *)(void *)(target->buffer + request.offset + (uint64_t)i * SECTOR) = ~(next + i);
            if (ring_push(&target->rings.requests, &request) != ERR_OK)
                break;
            used[slot] = true;
            expected[slot] = request.cookie;
            busy++;
            next += part;
        }
        ring_pair_flush_client(&target->rings);
        struct block_completion completion;
        bool any = false;
        while (ring_pop(&target->rings.completions, &completion) == ERR_OK) {
            uint32_t slot = completion.cookie & 0xff;
            uint64_t sector = completion.cookie >> 8;
            any = true;
            if (slot >= depth || !used[slot] || expected[slot] != completion.cookie)
                continue; // told twice, before and after a restart
            used[slot] = false;
            busy--;
            kill_driver();
            if (completion.status != ERR_OK) {
                bad++;
                continue;
            }
            for (uint64_t i = 0; check && operation == BLOCK_OPERATION_READ && i < size && sector + i < end; i++) {
                uint64_t found = *(uint64_t *)(void *)(target->buffer + ((uint64_t)slot * size + i) * SECTOR);
                if (found != sector + i && found != ~(sector + i))
                    bad++;
            }
        }
        if (!any && busy != 0 && ring_sleep(&target->rings.completions))
            wait_for_completion();
    }
    return bad;
}

static void measure(struct target *target, uint32_t operation, const char *what, uint64_t first, uint64_t count, uint32_t size,
                    uint32_t depth) {
    uint64_t before = clock_monotonic();
    uint64_t bad = stream(target, operation, first, count, size, depth, false);
    uint64_t time = clock_monotonic() - before;
    report_numbers(what, count * SECTOR * 1000 / (time / 1000 + 1) / 1049, " KiB/ms*1000, requests of KiB ", size / 2);
    if (bad != 0)
        report_numbers("  failed requests: ", bad, " of sectors ", count);
}

static void check_calls(struct target *target) {
    uint64_t bad = 0, moved;
    for (uint64_t sector = 0; sector + 128 <= target->status.sectors && sector < 4096; sector += 128) {
        error_t error = block_read(target->block, sector, page, sizeof(page), &moved);
        if (error != ERR_OK || moved != sizeof(page)) {
            bad++;
            continue;
        }
        for (uint64_t i = 1; i < 128; i++)
            if (*(uint64_t *)(void *)(page + i * SECTOR) != sector + i)
                bad++;
    }
    report_numbers("calls: bad ", bad, " flush ", (uint64_t)-block_flush(target->block));
    error_t past = block_read(target->block, target->status.sectors, page, SECTOR, &moved);
    report_numbers("reading behind the end: error ", (uint64_t)-past, " bytes ", moved);
}

static void check_disk(cap_t driver, uint64_t id, const struct block_status *status) {
    struct target target = {.status = *status};
    error_t error = block_open(driver, id, &target.block);
    if (error == ERR_OK && has_argument("calls"))
        check_calls(&target);
    if (error == ERR_OK)
        error = attach(&target);
    if (error != ERR_OK) {
        report_numbers("can't be opened: error ", (uint64_t)-error, " unit ", id);
        return;
    }
    uint64_t sectors = status->sectors, last = sectors * 3 / 4;
    report_numbers("ring read of whole disk: bad ", stream(&target, BLOCK_OPERATION_READ, 1, last - 1, 96, 16, true), " sectors ",
                   last);
    if (has_argument("write")) {
        report_numbers("ring write: bad ", stream(&target, BLOCK_OPERATION_WRITE, last, sectors - last, 40, 32, true), " from ",
                       last);
        report_numbers("ring read back: bad ", stream(&target, BLOCK_OPERATION_READ, last, sectors - last, 200, 8, true),
                       " from ", last);
    }
    if (has_argument("kill")) {
        kill_service = startup_capability("service");
        report_numbers("read while killed: bad ", stream(&target, BLOCK_OPERATION_READ, 1, last - 1, 96, 16, true), " kills ",
                       kills);
        report_numbers("write while killed: bad ", stream(&target, BLOCK_OPERATION_WRITE, last, sectors - last, 40, 32, true),
                       " kills ", kills);
        report_numbers("read back while killed: bad ", stream(&target, BLOCK_OPERATION_READ, last, sectors - last, 64, 16, true),
                       " kills ", kills);
        uint64_t bad = 0, moved;
        for (uint64_t sector = 1; sector < 2000; sector += 8, kill_driver())
            bad += block_read(target.block, sector, page, 4096, &moved) != ERR_OK || *(uint64_t *)(void *)page != sector;
        report_numbers("calls while killed: bad ", bad, " kills ", kills);
        kill_service = 0;
    }
    if (has_argument("speed")) {
        uint64_t count = sectors < 64 * MIB_SECTORS ? sectors : 64 * MIB_SECTORS;
        measure(&target, BLOCK_OPERATION_READ, "read ", 0, count, 256, 8);
        measure(&target, BLOCK_OPERATION_READ, "read ", 0, count, 1024, 4);
        measure(&target, BLOCK_OPERATION_READ, "read ", 0, count, 64, 32);
        measure(&target, BLOCK_OPERATION_READ, "read ", 0, count / 8, 8, 32);
        measure(&target, BLOCK_OPERATION_READ, "read one at a time ", 0, count / 8, 8, 1);
        if (has_argument("write"))
            measure(&target, BLOCK_OPERATION_WRITE, "write ", 0, count, 256, 8);
    }
    slot_release(target.block);
}

int server_main(const struct startup *startup);

int server_main(const struct startup *startup) {
    report_set_name(startup->name);
    own_notification = startup_capability("notification");
    cap_t driver = startup_capability("block");
    if (startup_capability("devices") != 0)
        list_devices(startup_capability("devices"));
    uint64_t id = 0;
    struct block_status status;
    while (block_next_unit(driver, id, &id, &status) == ERR_OK) {
        struct text text = {0};
        text_add(&text, "unit ");
        text_add_bytes(&text, (const char *)status.name, sizeof(status.name));
        text_add(&text, " sectors ");
        text_add_number(&text, status.sectors);
        text_add(&text, " from ");
        text_add_number(&text, status.first_sector);
        text_add(&text, " flags ");
        text_add_hex(&text, status.flags, 1);
        report(REPORT_INFORMATION, &text);
        if (status.partition == 0)
            check_disk(driver, id, &status);
    }
    report_line(REPORT_INFORMATION, "end");
    for (;;)
        wait_for_completion();
}
