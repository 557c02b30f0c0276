// The serial port's driver over a chip that interrupts for ever and does not say why: its line is one that edges trigger. The
// chip is made to: each service asks anew for the interrupt of the empty FIFO, and hides that it was the cause. For
// test_failures.py.
#define uart_service uart_service_as_it_is
#include "drivers/serial/uart16550/device.c" // NOLINT(bugprone-suspicious-include)
#undef uart_service

void uart_service(struct uart *uart); // by its own name
void uart_service(struct uart *uart) {
    uart->had_cause = false;
    uart_service_as_it_is(uart);
    uart->had_cause = false;
    enable(uart, 0);
    enable(uart, UART_ENABLE_RECEIVED | UART_ENABLE_SENT);
}
