// A role of the lowest priority that never sleeps: it runs whenever nothing else has anything to do, and
// notices by the processor's counter when something else ran. After a long rest it tells how much of the time
// since the kernel's entry was work, and how much was waiting (for devices, or for a person at the prompt).
// Only under QEMU's -icount, where the counter counts instructions, are these exact figures. They go to
// QEMU's debug port, since the consoles belong to servers by then.
#include <stdint.h>
#include <stdio.h>

#include "drivers/framework/port.h"
#include "kernel/abi/capability.h"
#include "kernel/abi/methods.h"
#include "libipc/client/clock.h"
#include "libipc/protocols/kernel.h"
#include "libipc/protocols/process.h"
#include "libipc/start/start.h"
#include "programs/ipcbench/measure.h"

int server_main(const struct startup *startup);

enum { GAP_TICKS = 100, DEBUG_PORT = 0xe9 }; // its own loop takes a dozen; the least that others do takes hundreds
#define REST_TICKS UINT64_C(200000000)

static void tell(uint64_t last, uint64_t waited) {
    struct kernel_information information;
    char line[200];
    error_t error = kernel_information(SLOT_KERNEL, &information);
    (void)snprintf(line, sizeof(line), "at rest since tick %llu, waited %llu ticks, %llu messages, %llu switches\n",
                   (unsigned long long)last, (unsigned long long)waited, (unsigned long long)information.messages,
                   (unsigned long long)information.switches);
    for (const char *at = line; !error && *at; at++)
        port_write8(DEBUG_PORT, (uint8_t)*at);
}

int server_main(const struct startup *startup) {
    (void)startup;
    if (process_attach_ports(SLOT_SELF, startup_capability("ioport")))
        return 1;
    uint64_t now = measure_now(), last = now, waited = 0, rest_began = now;
    for (bool told = false;;) {
        uint64_t next = measure_now();
        if (next - now > GAP_TICKS) {
            waited += now - rest_began;
            last = rest_began = next;
            told = false;
        } else if (!told && next - last > REST_TICKS) {
            tell(last, waited);
            told = true;
            next = rest_began = measure_now(); // telling is neither
        }
        now = next;
    }
}
