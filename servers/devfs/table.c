// The table of devices: fixed ones, terminals among the capabilities, disks as their drivers tell.
#include <stdio.h>
#include <string.h>

#include "libipc/client/call.h"
#include "libipc/client/clock.h"
#include "libipc/start/start.h"
#include "servers/devfs/state.h"

#define ANSWER_NANOSECONDS UINT64_C(5000000000) // a driver may still be looking for its disks
#define BRIEF_NANOSECONDS  UINT64_C(20000000)

enum { MAJOR_MEMORY = 1, MAJOR_TTY = 4, MAJOR_DISK = 8 };

struct devfs devfs;

static struct device *device_add(const char *name, enum device_kind kind, uint16_t mode, uint64_t major, uint64_t minor) {
    struct device *device = &devfs.devices[devfs.count++];
    *device = (struct device){.kind = kind, .mode = mode, .represents = major << 32 | minor};
    strncpy(device->name, name, sizeof(device->name) - 1);
    return device;
}

static void terminal_add(const char *name, const char *capability, uint64_t minor) {
    cap_t session = startup_capability(capability);
    if (session != 0)
        device_add(name, DEVICE_TERMINAL, 0620, MAJOR_TTY, minor)->session = session;
}

void devices_make(void) {
    devfs.count = 0;
    devfs.started = (int64_t)clock_wall();
    device_add("", DEVICE_ROOT, 0755, 0, 0);
    device_add("null", DEVICE_NULL, 0666, MAJOR_MEMORY, 3);
    device_add("zero", DEVICE_ZERO, 0666, MAJOR_MEMORY, 5);
    device_add("full", DEVICE_FULL, 0666, MAJOR_MEMORY, 7);
    device_add("random", DEVICE_RANDOM, 0666, MAJOR_MEMORY, 8);
    device_add("urandom", DEVICE_RANDOM, 0666, MAJOR_MEMORY, 9);
    terminal_add("console", "console", 1);
    terminal_add("tty", "console", 0);
    static const char *const screens[] = {"tty1", "tty2", "tty3", "tty4", "tty5", "tty6"};
    for (unsigned i = 0; i < sizeof(screens) / sizeof(screens[0]); i++)
        terminal_add(screens[i], i == 0 ? "console" : screens[i], i + 1);
    terminal_add("serial0", "serial0", 64);
    terminal_add("serial1", "serial1", 65);
    static const char *const drivers[] = {"block.ata", "block.ram"};
    for (unsigned i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++) {
        cap_t control = startup_capability(drivers[i]);
        if (control != 0)
            devfs.drivers[devfs.driver_count++] = control;
    }
}

static void unit_add(uint32_t driver, uint64_t unit, const struct block_status *status) {
    struct device *disk = NULL;
    for (uint32_t i = 0; i < devfs.count; i++) {
        struct device *device = &devfs.devices[i];
        bool is_same_name = strncmp(device->name, (const char *)status->name, sizeof(status->name)) == 0;
        if (is_same_name && (device->kind != DEVICE_DISK || device->driver != devfs.drivers[driver]))
            return; // the first one keeps the name
        if (is_same_name)
            disk = device;
    }
    if (disk == NULL && devfs.count == DEVICES_MAX)
        return;
    if (disk == NULL) {
        char name[sizeof(status->name) + 1] = {0};
        memcpy(name, status->name, sizeof(status->name));
        if (name[0] == '\0' || strchr(name, '/') != NULL)
            return;
        disk = device_add(name, DEVICE_DISK, 0660, MAJOR_DISK, (uint64_t)driver << 16 | (unit & 0xffff));
        disk->driver = devfs.drivers[driver];
    }
    disk->unit = unit;
    disk->status = *status;
}

static void driver_refresh(uint32_t driver) {
    uint64_t cursor = 0;
    struct block_status status;
    uint64_t patience = devfs.driver_is_silent[driver] ? BRIEF_NANOSECONDS : ANSWER_NANOSECONDS;
    uint64_t outer = ipc_deadline;
    error_t error;
    ipc_deadline = clock_monotonic() + patience;
    while ((error = block_next_unit(devfs.drivers[driver], cursor, &cursor, &status)) == ERR_OK)
        unit_add(driver, cursor, &status);
    ipc_deadline = outer;
    devfs.driver_is_silent[driver] = error != ERR_NOT_FOUND;
}

void disks_refresh(void) {
    for (uint32_t i = 0; i < devfs.driver_count; i++)
        driver_refresh(i);
}
