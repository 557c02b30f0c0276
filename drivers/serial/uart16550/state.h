// What the parts of the serial port's driver share. One thread; fibers switch only where a reader or writer
// waits.
#pragma once

#include "drivers/serial/uart16550/answers.h"
#include "drivers/serial/uart16550/device.h"
#include "libipc/protocols/file_server.h"
#include "servers/framework/stream.h"

// In state memory. The UART's part says whether it is sound.
struct serial_state {
    struct uart_state uart;
    struct serial_answers answers;
    struct stream_server streams;
};

struct serial {
    struct server server;
    struct serial_state *state;
    struct uart uart;
    cap_t device, irq;
    struct fiber_wait_queue readers, writers;
    struct fiber_lock write_lock; // one writer's bytes are not mixed with another's
};

extern struct serial serial;
extern const struct file_ops serial_file_ops;
extern const struct directory_ops serial_directory_ops;

// Lets the chip go on and wakes whoever can.
void serial_service(void);
uint64_t serial_readiness(uint32_t unit);
