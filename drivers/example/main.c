// The driver `rtc` of docs/write-a-driver.md: claims the clock from `devices`, binds its interrupt, serves
// the protocol `rtc`.
#include "drivers/example/device.h"
#include "drivers/framework/driver.h"
#include "drivers/framework/report.h"
#include "libipc/protocols/irq.h"
#include "libipc/protocols/rtc_server.h"
#include "libipc/server/server.h"
#include "libipc/start/start.h"

enum { BIT_INTERRUPT = 0 };

static struct server server;
static struct rtc rtc;
static cap_t irq;
static struct fiber_wait_queue second; // who waits for it to change
static uint64_t seconds_seen;

int server_main(const struct startup *startup);

// The line is masked from the interrupt to the acknowledgement, and an edge in between would be lost: so look
// again after. It runs in the loop's own context and must not wait.
static void interrupted(void *argument, uint32_t bit) {
    (void)argument;
    (void)bit;
    bool changed = rtc_take_interrupt(&rtc);
    driver_acknowledge(irq, changed);
    changed |= rtc_take_interrupt(&rtc);
    if (!changed)
        return;
    seconds_seen++;
    fiber_wake_all(&second);
}

static error_t rtc_time_handler(struct request *request, const struct rtc_time_in *in, struct rtc_time_out *out) {
    (void)request;
    (void)in;
    return rtc_now(&rtc, &out->time);
}

static error_t rtc_next_second_handler(struct request *request, const struct rtc_next_second_in *in,
                                       struct rtc_next_second_out *out) {
    (void)request;
    (void)in;
    uint64_t seen = seconds_seen;
    while (seconds_seen == seen) {
        error_t error = fiber_wait(&second);
        if (error != ERR_OK)
            return error;
    }
    return rtc_now(&rtc, &out->time);
}

static const struct rtc_ops rtc_ops = {.time = rtc_time_handler, .next_second = rtc_next_second_handler};

static error_t dispatch(struct request *request) {
    return rtc_dispatch(&rtc_ops, request);
}

// Nothing of the device is kept over a restart: it is claimed anew.
static bool claimed(cap_t slot) {
    (void)slot;
    return false;
}

static error_t start_device(void) {
    cap_t device;
    uint16_t port, count;
    error_t error = device_claim(startup_capability("devices"), 0, &device);
    if (error == ERR_OK)
        error = driver_attach_ports(device, 0, &port, &count);
    if (error != ERR_OK)
        return error;
    rtc_start(&rtc, port);
    return driver_bind_interrupt(device, 0, INTERRUPT_KIND_LINE, server.notification, UINT64_C(1) << BIT_INTERRUPT, &irq);
}

int server_main(const struct startup *startup) {
    report_set_name(startup->name);
    server.endpoint = startup_capability("endpoint");
    server.notification = startup_capability("notification");
    server.dispatch = dispatch;
    if (startup->is_restart)
        driver_reconcile(claimed);
    error_t error = start_device();
    if (error != ERR_OK) {
        report_line(REPORT_ERROR, error == ERR_NOT_FOUND ? "there is no clock" : "the clock can't be set up");
        return 1;
    }
    server_on_bit(&server, BIT_INTERRUPT, interrupted, NULL);
    interrupted(NULL, BIT_INTERRUPT); // what came between the set-up and the binding
    return server_run(&server) == ERR_OK ? 0 : 1;
}
