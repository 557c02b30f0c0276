// Hands port accesses to the test's model; see model_ports.h.
#include "model_ports.h"

#include "drivers/framework/port.h"

uint8_t (*model_read)(uint16_t port);
void (*model_write)(uint16_t port, uint8_t value);

uint8_t port_read8(uint16_t port) {
    return model_read(port);
}

void port_write8(uint16_t port, uint8_t value) {
    model_write(port, value);
}
