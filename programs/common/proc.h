// What the system tells about itself in text files under /proc; docs/proc.md describes the formats. Reading
// is strict: a line that is not as it should be ends the program with its file and number, since a wrong
// figure is worse than none.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifndef PROC_DIRECTORY
#define PROC_DIRECTORY "/proc"
#endif

#define PROC_FIELDS_MAX 16

struct proc_file {
    const char *name;
    char *text;
    char *next;
    unsigned line; // number of the last line, from 1
    int field_count;
    char *fields[PROC_FIELDS_MAX];
};

// Reads the whole file at once, so that it is one consistent picture. Ends the program if it can't be read.
void proc_open(struct proc_file *file, const char *name);
void proc_close(struct proc_file *file);

// The next line, split at single spaces into exactly `count` fields, of which the last takes the rest. False
// at the end.
bool proc_next(struct proc_file *file, int count);

// A field as a number; `base` is 10 or 16.
uint64_t proc_number(const struct proc_file *file, int field, int base);
_Noreturn void proc_fail(const struct proc_file *file, const char *reason);

struct proc_process {
    long pid, parent, group;
    char state; // R running, S blocked, T stopped, Z ended
    int priority;
    uint64_t memory_kib, cpu_ms;
    const char *name;
};
bool proc_process_next(struct proc_file *file, struct proc_process *process);

struct proc_disk {
    const char *name, *parent; // parent "-": a whole disk
    uint64_t bytes, sector_bytes;
    bool read_only;
    const char *model;
};
bool proc_disk_next(struct proc_file *file, struct proc_disk *disk);

struct proc_pci {
    const char *address; // bus:device.function
    unsigned vendor, device, class_code, revision;
    const char *irq, *driver; // "-": none
};
bool proc_pci_next(struct proc_file *file, struct proc_pci *function);

struct proc_mount {
    char *source, *target, *type, *options;
};
bool proc_mount_next(struct proc_file *file, struct proc_mount *mount);

struct proc_log {
    unsigned level; // 0 emergency ... 7 debug
    uint64_t seconds, microseconds;
    const char *sender, *text;
};
bool proc_log_next(struct proc_file *file, struct proc_log *entry);

// A value of /proc/memory; ends the program if the key is missing.
uint64_t proc_memory(const char *key);
