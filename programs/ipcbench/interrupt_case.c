// From a device's interrupt to the driver's thread, another process's, that waits for it. The device is channel 0 of the interval
// timer (8254), which the kernel leaves alone where it has a better alarm; it takes the capabilities that only the first process
// has, so this case is in the bare benchmark alone. The time before the interrupt is the last that the interrupted loop saw.
#include "programs/ipcbench/interrupt_case.h"

#include <stddef.h>

#include "drivers/framework/port.h"
#include "kernel/abi/capability.h"
#include "libipc/client/slot.h"
#include "libipc/protocols/ioport.h"
#include "libipc/protocols/irq.h"
#include "libipc/protocols/process.h"
#include "programs/ipcbench/partner.h"

enum { TIMER_LINE = 2, TIMER_CHANNEL_0 = 0x40, TIMER_COMMAND = 0x43, ONE_SHOT = 0x30, TICKS = 24 }; // 24 ticks: 20 us

static void start_timer(void) {
    port_write8(TIMER_COMMAND, ONE_SHOT);
    port_write8(TIMER_CHANNEL_0, TICKS);
    port_write8(TIMER_CHANNEL_0, 0);
}

static error_t interrupt_to_driver(const struct bench *bench, struct series *series) {
    struct partner partner;
    cap_t irq = 0;
    cap_t ports = 0;
    error_t error = ioport_derive(BOOT_SLOT_IOPORT, TIMER_CHANNEL_0, TIMER_COMMAND - TIMER_CHANNEL_0 + 1, &ports);
    if (!error)
        error = process_attach_ports(SLOT_SELF, ports);
    if (!error)
        error = partner_make(&partner, bench->code, false);
    if (!error)
        error = partner_start(&partner, peer_wait, bench->priority + 1); // so that it runs when it is woken
    if (!error)
        error = irq_create_line(BOOT_SLOT_IRQ, TIMER_LINE, 0, &irq);
    if (!error)
        error = irq_bind(irq, 1, partner.notification);
    while (!error && series_wants(series)) {
        start_timer();
        uint64_t start = measure_now(), last = start, before = start;
        while (!error && partner.shared->time < start) {
            before = last;
            last = measure_now();
        }
        series_add(series, last < partner.shared->time ? last : before, partner.shared->time);
        if (!error)
            error = irq_acknowledge(irq, NULL);
    }
    if (irq)
        slot_release(irq);
    partner_end(&partner);
    return error;
}

const struct bench_case bench_interrupt_case = {
    "interrupt_to_driver", SPAN_ONE_WAY, 1,
    "a device's interrupt to the next instruction of another process's thread that waits for it", interrupt_to_driver};
