// What `devices` knows: every device, who has it, and the capabilities that were made for it. It lies in
// state memory, without pointers, so that a new actor goes on with it; the slots that it names are still
// filled then. Invariant: a device with owner 0 has no capabilities in its record and does not master its
// bus.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "drivers/bus/pci/pci.h"
#include "kernel/abi/platform_info.h"
#include "libipc/protocols/device.h"
#include "libipc/server/server.h"

enum {
    DEVICES_MOST = 128,
    DEVICE_REGIONS = 6,
    DEVICE_INTERRUPTS = 2,
    DEVICE_DMA_MOST = 32,
    ROLES_MOST = 32,
    ROLE_NAME_BYTES = 16,
    STATE_VERSION = 1,
};
#define STATE_MAGIC  UINT64_C(0x7365636976656420) // " devices"
#define DEVICE_BADGE UINT64_C(0x6465766963650000) // "device", then generation and index: 8 bits each

struct device_line {
    uint32_t gsi;   // global interrupt number
    uint32_t flags; // of irq.create_line
    uint32_t present;
};

struct device {
    struct device_information information;
    struct pci_function function; // PCI only
    struct device_line lines[DEVICE_INTERRUPTS];
    uint64_t owner;      // badge of the role that claimed it, 0: nobody
    uint32_t generation; // of the session handed out
    uint32_t mastering;
    uint32_t region_flags[DEVICE_REGIONS]; // of kernel.device_memory
    cap_t regions[DEVICE_REGIONS];         // originals; drivers get copies, so that these can be revoked
    cap_t irqs[DEVICE_INTERRUPTS];
    uint64_t irq_kinds[DEVICE_INTERRUPTS];
    cap_t dma[DEVICE_DMA_MOST];
};

struct state {
    uint64_t magic;
    uint32_t version, count;
    struct device devices[DEVICES_MOST]; // by rising id
};

// A role that may claim devices, and which.
struct match_rule {
    char role[ROLE_NAME_BYTES];
    uint64_t badge;                   // of the role's session here
    char platform[ROLE_NAME_BYTES];   // name of a platform device; empty: a PCI rule
    uint32_t class, class_mask;       // class << 16 | subclass << 8 | interface
    uint32_t identity, identity_mask; // vendor << 16 | device
};

struct device_ops;

struct devices {
    struct state *state;
    struct server server;
    struct acpi_information platform;
    struct pci_access config;
    cap_t ioport, irq; // all ports; the right to make interrupts
    struct match_rule rules[ROLES_MOST];
    uint32_t rule_count;
    bool no_masters; // the kernel option dma=off: no device writes to memory by itself
};

extern struct devices devices;

// Reads "match=ROLE:class=CCSS[PP]", "match=ROLE:id=VVVV:DDDD" and "match=ROLE:platform=NAME" (hexadecimal).
// ERR_INVALID: it is none of these; ERR_NO_SPACE: too many.
MUST_USE error_t match_add(const char *argument);
// The rule whose role a device goes to: the first that fits; NULL: none.
const struct match_rule *match_device(const struct device_information *information);
// True if `badge` is that of a role in the rules.
bool match_role(uint64_t badge, char name[ROLE_NAME_BYTES]);

// This server may use these ports by in and out from now on.
MUST_USE error_t ports_attach(uint64_t first, uint64_t count);
// How configuration space is reached: by memory if the firmware says where, else by ports.
MUST_USE error_t config_open(void);
// Highest segment's buses; see struct acpi_ecam. With ports: segment 0, buses 0 to 255.
uint32_t config_segments(void);
void config_segment(uint32_t index, uint32_t *segment, uint8_t *first_bus, uint8_t *last_bus);

// Fills the table with what the machine has.
void scan_platform(void);
void scan_pci(void);
struct device *device_add(uint64_t id); // NULL: the table is full

// Capabilities of a claimed device, made at first use; the copy is the driver's.
MUST_USE error_t resource_region(struct device *device, uint32_t index, cap_t *copy);
MUST_USE error_t resource_interrupt(struct device *device, uint32_t index, uint64_t wanted, uint64_t *kind, cap_t *copy);
MUST_USE error_t resource_dma(struct device *device, uint64_t length, uint64_t flags, uint64_t *physical, cap_t *copy);
void resource_master(struct device *device, bool on);
// Stops the device and takes everything back.
void resource_release(struct device *device);

extern const struct device_ops device_operations;
// The last capability to a session is gone.
void device_session_closed(uint64_t badge);
