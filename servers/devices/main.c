// The server `devices`: finds the machine's hardware once, then hands each driver exactly its own device. See
// README.md.
#include <stddef.h>
#include <string.h>

#include "drivers/framework/driver.h"
#include "drivers/framework/report.h"
#include "kernel/abi/capability.h"
#include "libipc/protocols/device_server.h"
#include "libipc/protocols/kernel.h"
#include "libipc/protocols/memory.h"
#include "libipc/protocols/process.h"
#include "libipc/start/start.h"
#include "servers/devices/state.h"

struct devices devices;

static struct state cold_state; // used if the role was given no state memory

static error_t dispatch(struct request *request) {
    return device_dispatch(&device_operations, request);
}

static error_t platform_read(void) {
    cap_t platform = startup_capability("platform");
    uint64_t count = 0;
    error_t error = platform != 0 ? memory_read(platform, 0, &devices.platform, sizeof(devices.platform), &count) : ERR_NOT_FOUND;
    return error == ERR_OK && count != sizeof(devices.platform) ? ERR_CORRUPT : error;
}

static error_t state_open(void) {
    cap_t memory = startup_capability("state");
    uint64_t length;
    void *address;
    devices.state = &cold_state;
    if (memory == 0)
        return ERR_OK;
    error_t error = memory_information(memory, &length, NULL, NULL);
    if (error == ERR_OK && length < sizeof(struct state)) {
        report_line(REPORT_WARNING, "the state memory is too small: drivers will not survive a restart of devices");
        return ERR_OK;
    }
    if (error == ERR_OK)
        error = driver_map(memory, length, &address);
    if (error == ERR_OK)
        devices.state = address;
    return error;
}

static bool state_sound(const struct state *state) {
    return state->magic == STATE_MAGIC && state->version == STATE_VERSION && state->count <= DEVICES_MOST;
}

// The slots named in the table are filled from before and go on being used; others are leftovers.
static bool slot_claimed(cap_t slot) {
    for (uint32_t i = 0; i < devices.state->count; i++) {
        const struct device *device = &devices.state->devices[i];
        for (uint32_t at = 0; at < DEVICE_REGIONS; at++)
            if (device->regions[at] == slot)
                return true;
        for (uint32_t at = 0; at < DEVICE_INTERRUPTS; at++)
            if (device->irqs[at] == slot)
                return true;
        for (uint32_t at = 0; at < DEVICE_DMA_MOST; at++)
            if (device->dma[at] == slot)
                return true;
    }
    return false;
}

static void rules_read(void) {
    const char *argument;
    for (uint32_t i = 1; (argument = startup_argument(i)) != NULL; i++) {
        if (match_add(argument) == ERR_OK)
            continue;
        struct text text = {0};
        text_add(&text, "the manifest's argument is not understood: ");
        text_add(&text, argument);
        report(REPORT_ERROR, &text);
    }
}

// A word of the kernel's command line.
static bool option_given(const char *word) {
    static char line[1025];
    uint64_t count;
    size_t length = strlen(word);
    if (kernel_command_line(SLOT_KERNEL, line, sizeof(line) - 1, &count) != ERR_OK)
        return false;
    for (const char *at = line; *at != 0; at += *at == ' ') {
        if (strcspn(at, " ") == length && memcmp(at, word, length) == 0)
            return true;
        at += strcspn(at, " ");
    }
    return false;
}

static void report_devices(void) {
    struct text text = {0};
    text_add_number(&text, devices.state->count);
    text_add(&text, devices.platform.ecam_count != 0 ? " devices, configuration space in memory"
                                                     : " devices, configuration space by ports");
    report(REPORT_INFORMATION, &text);
}

static error_t start(void) {
    devices.ioport = startup_capability("ioport");
    devices.irq = startup_capability("irq");
    rules_read();
    devices.no_masters = option_given("dma=off");
    error_t error = platform_read();
    if (error == ERR_OK)
        error = state_open();
    if (error == ERR_OK)
        error = config_open();
    if (error != ERR_OK)
        return error;
    if (state_sound(devices.state)) {
        driver_reconcile(slot_claimed);
        return ERR_OK;
    }
    devices.state->magic = 0;
    devices.state->count = 0;
    scan_platform();
    scan_pci();
    devices.state->version = STATE_VERSION;
    devices.state->magic = STATE_MAGIC;
    report_devices();
    return ERR_OK;
}

int server_main(const struct startup *startup);

int server_main(const struct startup *startup) {
    (void)startup;
    report_set_name("devices");
    error_t error = start();
    if (error != ERR_OK) {
        report_failure("the machine's devices can't be listed", error);
        return 1;
    }
    devices.server.endpoint = startup_capability("endpoint");
    devices.server.notification = startup_capability("notification");
    devices.server.dispatch = dispatch;
    devices.server.session_closed = device_session_closed;
    return server_run(&devices.server) == ERR_OK ? 0 : 1;
}
