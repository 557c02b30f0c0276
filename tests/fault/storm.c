// The network card's driver as it is, but that it looks for the causes of an interrupt where there are none: it never takes them
// back, and the card's line interrupts for ever. For test_failures.py.
#include "drivers/net/e1000/registers.h"

#define E1000_ICR E1000_IMC
#include "drivers/net/e1000/device.c" // NOLINT(bugprone-suspicious-include)
