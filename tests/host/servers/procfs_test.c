// /proc read back by the programs' own parser, which ends the test at the first line that breaks
// docs/proc.md. The servers that procfs asks are played here, with odd names among what they tell; in a
// second round they give random bytes, in a third they are gone.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libipc/client/slot.h"
#include "libipc/protocols/block_server.h"
#include "libipc/protocols/device_server.h"
#include "libipc/protocols/log_server.h"
#include "libipc/protocols/service_server.h"
#include "libipc/protocols/task_server.h"
#include "programs/common/proc.h"
#include "servers/log/store.h"
#include "servers/procfs/state.h"
#include "tests/host/servers/check.h"
#include "tests/host/servers/world.h"

unsigned long check_seed, check_step;

struct procfs procfs;

enum round { ROUND_PLAIN, ROUND_RANDOM, ROUND_GONE };
static enum round playing;

// In the random round, all bytes of an answer but those that lead on.
static void disturb(void *answer, size_t size) {
    for (size_t i = 0; playing == ROUND_RANDOM && i < size; i++)
        ((unsigned char *)answer)[i] = (unsigned char)rand();
}

// --- the servers that procfs asks
// -----------------------------------------------------------------------------------
static const char *const task_names[] = {"init", "sh\nevil", "", "with space"};

static error_t task_fill(uint64_t id, struct task_information *information) {
    if (playing == ROUND_GONE || id == 0 || id > 4)
        return ERR_NO_PROCESS;
    disturb(information, sizeof(*information));
    if (playing == ROUND_PLAIN) {
        information->parent = id > 1 ? 1 : 0;
        information->state = id == 4 ? TASK_STATE_ENDED : TASK_STATE_RUNNING;
        information->memory_bytes = id * 4096;
        information->cpu_time = id * 1000000;
        strcpy((char *)information->name, task_names[id - 1]);
        if (id == 2)
            memcpy(information->arguments, "sh\0-l\0a b", 10);
    }
    information->id = (uint32_t)id;
    if (information->state == TASK_STATE_EMPTY)
        information->state = TASK_STATE_STOPPED;
    return ERR_OK;
}

static error_t fake_task_next(struct request *request, const struct task_next_in *in, struct task_next_out *out) {
    (void)request;
    return task_fill(in->id + 1, &out->information) == ERR_OK ? ERR_OK : ERR_NOT_FOUND;
}

static error_t fake_task_information(struct request *request, const struct task_information_in *in,
                                     struct task_information_out *out) {
    (void)request;
    return task_fill(in->id, &out->information);
}

static error_t fake_service_next(struct request *request, const struct service_next_in *in, struct service_next_out *out) {
    (void)request;
    if (playing == ROUND_GONE || in->cursor >= 3)
        return ERR_NOT_FOUND;
    disturb(&out->status, sizeof(out->status));
    if (playing == ROUND_PLAIN) {
        strcpy((char *)out->status.name, in->cursor == 0 ? "process" : in->cursor == 1 ? "two words" : "");
        out->status.memory_bytes = in->cursor == 0 ? 3 << 20 : 512 << 10;
        out->status.state = in->cursor == 0 ? SERVICE_STATE_RUNNING : SERVICE_STATE_FAILED;
        out->status.process = in->cursor == 0 ? 5 : 0;
    }
    out->cursor = in->cursor + 1;
    return ERR_OK;
}

static error_t fake_service_charged(struct request *request, const struct service_charged_in *in,
                                    struct service_charged_out *out) {
    (void)request;
    (void)in;
    if (playing == ROUND_GONE)
        return ERR_NOT_FOUND;
    disturb(out, sizeof(*out));
    if (playing == ROUND_PLAIN)
        *out = (struct service_charged_out){.all_bytes = 9 << 20, .own_bytes = 5 << 20};
    return ERR_OK;
}

static error_t fake_device_next(struct request *request, const struct device_next_in *in, struct device_next_out *out) {
    (void)request;
    if (playing == ROUND_GONE || in->id >= 4)
        return ERR_NOT_FOUND;
    disturb(&out->information, sizeof(out->information));
    if (playing == ROUND_PLAIN) {
        out->information = (struct device_information){.bus = BUS_KIND_PCI, .location = 1 << 3 | 1, .vendor = 0x8086};
        out->information.line = in->id == 0 ? 14 : UINT32_MAX;
        out->information.claimed = in->id == 0;
        strcpy((char *)out->information.driver, "ata");
    }
    out->information.id = in->id + 1;
    return ERR_OK;
}

static error_t fake_block_next_unit(struct request *request, const struct block_next_unit_in *in,
                                    struct block_next_unit_out *out) {
    (void)request;
    if (playing == ROUND_GONE || in->cursor >= 3)
        return ERR_NOT_FOUND;
    disturb(&out->status, sizeof(out->status));
    if (playing == ROUND_PLAIN) {
        out->status = (struct block_status){.sectors = 1000, .sector_size = 512, .disk = 0};
        out->status.partition = (uint32_t)in->cursor;
        snprintf((char *)out->status.name, sizeof(out->status.name), in->cursor == 0 ? "disk0" : "disk0p%d", (int)in->cursor);
        strcpy((char *)out->status.model, in->cursor == 0 ? "QEMU  HARD\tDISK" : "");
    }
    out->cursor = in->cursor + 1;
    return ERR_OK;
}

static struct log_store store;

static error_t fake_log_read(struct request *request, const struct log_read_in *in, struct log_read_out *out) {
    static unsigned char buffer[4096];
    size_t size = in->records_size < sizeof(buffer) ? in->records_size : sizeof(buffer);
    out->position = in->position;
    out->count = playing == ROUND_GONE ? 0 : log_store_read(&store, &out->position, in->level, buffer, size);
    disturb(buffer, out->count);
    return request_copy_out(request, 0, buffer, out->count);
}

static const struct task_ops task_ops = {.next = fake_task_next, .information = fake_task_information};
static const struct service_ops service_ops = {.next = fake_service_next, .charged = fake_service_charged};
static const struct device_ops device_ops = {.next = fake_device_next};
static const struct block_ops block_ops = {.next_unit = fake_block_next_unit};
static const struct log_ops log_ops = {.read = fake_log_read};

static error_t fake_dispatch(struct request *request) {
    switch (request_protocol(request)) {
    case PROTOCOL_TASK:
        return task_dispatch(&task_ops, request);
    case PROTOCOL_SERVICE:
        return service_dispatch(&service_ops, request);
    case PROTOCOL_DEVICE:
        return device_dispatch(&device_ops, request);
    case PROTOCOL_BLOCK:
        return block_dispatch(&block_ops, request);
    default:
        return log_dispatch(&log_ops, request);
    }
}

static struct server fake_server;
static struct machine_server fake_machine = {&fake_server, fake_dispatch, NULL};

// --- procfs
// ---------------------------------------------------------------------------------------------------------
static void show_mounts(cap_t picture) {
    slot_release(procfs.mounts);
    procfs.mounts = picture;
}

static struct file_server procfs_server = {.name = "procfs", .only_tree = &procfs_tree, .show_mounts = show_mounts};

static error_t procfs_dispatch(struct request *request) {
    return file_server_dispatch(&procfs_server, request);
}

static void procfs_closed(uint64_t badge) {
    file_server_session_closed(&procfs_server, badge);
}

static struct machine_server procfs_machine = {&procfs_server.server, procfs_dispatch, procfs_closed};

// --- reading it back
// --------------------------------------------------------------------------------------------------
static void copy_out(const char *name) {
    static char text[1 << 20];
    char path[64];
    cap_t file;
    uint64_t length = 0, count;
    snprintf(path, sizeof(path), "/proc/%s", name);
    CHECK(path_open(world_root, path, OPEN_FLAG_READ, &file) == ERR_OK);
    do {
        CHECK(file_read(file, UINT64_MAX, 0, text + length, 1 + (uint64_t)rand() % 500, &count) == ERR_OK);
        length += count;
    } while (count != 0);
    slot_release(file);
    FILE *out = fopen(path + 1, "w");
    CHECK(out != NULL && fwrite(text, 1, length, out) == length && fclose(out) == 0);
}

static unsigned lines(const char *name, int fields) {
    struct proc_file file;
    unsigned count = 0;
    copy_out(name);
    proc_open(&file, name);
    while (proc_next(&file, fields))
        count++;
    proc_close(&file);
    return count;
}

#define PARSE(name, type, function)                                                                                              \
    static unsigned parse_##function(void) {                                                                                     \
        struct proc_file file;                                                                                                   \
        struct type entry;                                                                                                       \
        unsigned count = 0;                                                                                                      \
        copy_out(name);                                                                                                          \
        proc_open(&file, name);                                                                                                  \
        while (function(&file, &entry))                                                                                          \
            count++;                                                                                                             \
        proc_close(&file);                                                                                                       \
        return count;                                                                                                            \
    }

PARSE("processes", proc_process, proc_process_next)
PARSE("disks", proc_disk, proc_disk_next)
PARSE("pci", proc_pci, proc_pci_next)
PARSE("mounts", proc_mount, proc_mount_next)
PARSE("log", proc_log, proc_log_next)

static void check_mounts(void) {
    struct proc_file file;
    struct proc_mount mount;
    copy_out("mounts");
    proc_open(&file, "mounts");
    CHECK(proc_mount_next(&file, &mount) && strcmp(mount.target, "/") == 0 && strcmp(mount.type, "initrdfs") == 0);
    CHECK(proc_mount_next(&file, &mount) && strcmp(mount.source, "odd \\ name") == 0);
    CHECK(proc_mount_next(&file, &mount) && strcmp(mount.target, "/proc") == 0);
    CHECK(!proc_mount_next(&file, &mount));
    proc_close(&file);
}

static void add_log(const char *text, uint32_t dropped) {
    struct log_record record = {.time = 1500000000, .level = 1 + (uint32_t)rand() % 4, .dropped = (uint16_t)dropped};
    size_t start = log_split_sender(text, strlen(text), record.sender);
    log_store_add(&store, &record, text + start, strlen(text) - start);
}

// Roles, programs and init add up to what is charged: those of the programs are taken off the role that pays.
static void check_accounts(void) {
    struct proc_file file;
    uint64_t sum = 0;
    unsigned programs = 0;
    copy_out("accounts");
    proc_open(&file, "accounts");
    while (proc_next(&file, 3)) {
        sum += proc_number(&file, 1, 10);
        programs += strcmp(file.fields[0], "-") != 0;
    }
    proc_close(&file);
    copy_out("memory");
    CHECK(sum == 9 << 20 && proc_memory("charged_bytes") == sum && programs == 4);
}

static void test_plain(void) {
    playing = ROUND_PLAIN;
    CHECK(parse_proc_process_next() == 4 && parse_proc_disk_next() == 3 && parse_proc_pci_next() == 4);
    CHECK(parse_proc_mount_next() == 3);
    check_mounts();
    check_accounts();
    add_log("ata: disk0 is slow: retrying", 0);
    add_log("no sender here", 3);
    add_log("line\nwith: controls\t", 0);
    add_log("", 0);
    CHECK(parse_proc_log_next() == 5); // four, and one for those that were lost
    CHECK(lines("services", 8) == 3 && lines("uptime", 2) == 1 && lines("cmdline", 1) == 1 && lines("version", 1) == 1);
    CHECK(lines("interrupts", 3) == 15); // lines 1 to 15 have a count in machine.c
    copy_out("memory");
    CHECK(proc_memory("total_bytes") == 64 << 20 && proc_memory("free_bytes") <= proc_memory("total_bytes"));
    CHECK(proc_memory("cache_bytes") == 0);
    CHECK(strstr(path_content(world_root, "/proc/2/status"), "pid 2\n") != NULL);
    CHECK(path_content(world_root, "/proc/5/status") == NULL && path_content(world_root, "/proc/02/status") == NULL);
    CHECK(path_content(world_root, "/proc/2/nothing") == NULL && path_content(world_root, "/proc/0") == NULL);
    CHECK(path_write(world_root, "/proc/uptime", "0") == ERR_READ_ONLY);
    CHECK(path_write(world_root, "/proc/new", "0") == ERR_READ_ONLY);
}

static void test_consistent(void) { // what is open stays as it was
    char first[16] = {0}, second[16] = {0};
    cap_t file;
    uint64_t count;
    playing = ROUND_PLAIN;
    CHECK(path_open(world_root, "/proc/uptime", OPEN_FLAG_READ, &file) == ERR_OK);
    CHECK(file_read(file, 0, 0, first, sizeof(first) - 1, &count) == ERR_OK);
    machine_time += 5000000000;
    CHECK(file_read(file, 0, 0, second, sizeof(second) - 1, &count) == ERR_OK && strcmp(first, second) == 0);
    slot_release(file);
    CHECK(path_open(world_root, "/proc/uptime", OPEN_FLAG_READ, &file) == ERR_OK);
    CHECK(file_read(file, 0, 0, second, sizeof(second) - 1, &count) == ERR_OK && strcmp(first, second) != 0);
    slot_release(file);
}

static void test_all_parse(void) {
    parse_proc_process_next();
    parse_proc_disk_next();
    parse_proc_pci_next();
    parse_proc_log_next();
    lines("services", 8);
    lines("accounts", 3);
    lines("interrupts", 3);
    if (playing == ROUND_RANDOM)
        for (int id = '1'; id <= '4'; id++) {
            char path[] = "/proc/1/status";
            path[6] = (char)id;
            CHECK(path_content(world_root, path) != NULL);
        }
}

int main(int argc, char **argv) {
    char folder[] = "/tmp/keelson_procfs_XXXXXX";
    check_seed = argc > 1 ? strtoul(argv[1], NULL, 10) : 1;
    srand((unsigned)check_seed);
    CHECK(mkdtemp(folder) != NULL && chdir(folder) == 0 && mkdir("proc", 0755) == 0);
    world_begin();
    machine_add_server(&fake_machine);
    machine_add_server(&procfs_machine);
    machine_name_capability("fs.procfs", machine_session(&procfs_server.server, "vfs"));
    procfs.task = procfs.service = procfs.device = procfs.log = machine_session(&fake_server, "procfs");
    procfs.disks[procfs.disk_driver_count++] = procfs.task;
    CHECK(world_do_mount("tmpfs", "odd \\ name", "/tmp", "") == ERR_OK);
    CHECK(world_do_mount("procfs", "proc", "/proc", "") == ERR_OK);
    test_plain();
    test_consistent();
    for (check_step = 0; check_step < 300; check_step++) {
        playing = ROUND_RANDOM;
        test_all_parse();
    }
    playing = ROUND_GONE;
    test_all_parse();
    CHECK(parse_proc_process_next() == 0 && parse_proc_log_next() == 0);
    CHECK(world_unmount("/proc") == ERR_OK && world_unmount("/tmp") == ERR_OK);
    char command[64];
    snprintf(command, sizeof(command), "rm -r %s", folder);
    CHECK(system(command) == 0);
    printf("ok\n");
    return 0;
}
