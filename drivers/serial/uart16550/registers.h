// Registers of the 16550 UART, by offset from its first port. National Semiconductor PC16550D, tables II and
// III.
#pragma once

enum {
    UART_DATA = 0,             // read: received byte; write: byte to send
    UART_INTERRUPT_ENABLE = 1, //
    UART_INTERRUPT_CAUSE = 2,  // read
    UART_FIFO_CONTROL = 2,     // write
    UART_LINE_CONTROL = 3,     //
    UART_MODEM_CONTROL = 4,    //
    UART_LINE_STATUS = 5,      //
    UART_DIVISOR_LOW = 0,      // while UART_DIVISOR_ACCESS is set
    UART_DIVISOR_HIGH = 1,
};

enum {
    UART_ENABLE_RECEIVED = 1 << 0,
    UART_ENABLE_SENT = 1 << 1,

    UART_CAUSE_NONE = 1 << 0,

    UART_FIFO_ENABLE = 1 << 0,
    UART_FIFO_CLEAR_RECEIVED = 1 << 1,
    UART_FIFO_CLEAR_SENT = 1 << 2,
    UART_FIFO_TRIGGER_8 = 2 << 6,

    UART_EIGHT_BITS = 3,
    UART_DIVISOR_ACCESS = 1 << 7,

    UART_MODEM_READY = 1 << 0,
    UART_MODEM_REQUEST = 1 << 1,
    UART_MODEM_INTERRUPTS = 1 << 3, // output 2 lets the interrupt line through

    UART_STATUS_RECEIVED = 1 << 0,
    UART_STATUS_SEND_EMPTY = 1 << 5,
    UART_STATUS_IDLE = 1 << 6,

    UART_FIFO_BYTES = 16,
    UART_DIVISOR_115200 = 1,
};
