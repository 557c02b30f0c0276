// What procfs knows: sessions of those it asks, and its list of files. It keeps nothing else: a node is a
// number.
#pragma once

#include "servers/framework/file_server.h"
#include "servers/procfs/document.h"

enum { DISK_DRIVERS_MAX = 4 };

struct procfs {
    cap_t task, service, log, device, ext2; // 0: not given, its files are empty then
    cap_t disks[DISK_DRIVERS_MAX];
    uint32_t disk_driver_count;
    cap_t mounts; // the picture that vfs draws
};

extern struct procfs procfs;

// A file of /proc or, with a process id, of /proc/PID. Makes its text; what can't be had is left out.
struct proc_entry {
    const char *name;
    void (*make)(struct document *document, uint64_t id);
};

// system_files.c, hardware_files.c, task_files.c
void make_accounts(struct document *document, uint64_t id);
void make_memory(struct document *document, uint64_t id);
void make_uptime(struct document *document, uint64_t id);
void make_services(struct document *document, uint64_t id);
void make_log(struct document *document, uint64_t id);
void make_mounts(struct document *document, uint64_t id);
void make_version(struct document *document, uint64_t id);
void make_command_line(struct document *document, uint64_t id);
void make_interrupts(struct document *document, uint64_t id);
void make_pci(struct document *document, uint64_t id);
void make_disks(struct document *document, uint64_t id);
void make_processes(struct document *document, uint64_t id);
void make_task_status(struct document *document, uint64_t id);
void make_task_capabilities(struct document *document, uint64_t id);
void make_task_maps(struct document *document, uint64_t id);

// The process with the next larger id; false if there is none.
bool task_after(uint64_t id, uint64_t *next);
bool task_exists(uint64_t id);

extern struct tree procfs_tree; // node.c
