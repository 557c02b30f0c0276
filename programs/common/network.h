// What the programs that show and change the network share: the session of the network server, and its
// addresses as text. Guest only: the server is called by its stubs.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libipc/protocols/net.h"

enum { NETWORK_TEXT = 64 };

// Ends the program if it was given none.
cap_t network_session(void);

// Ends the program: `subject` could not be done, for this reason.
_Noreturn void network_fail(const char *subject, error_t error);

// An address of 16 bytes (IPv4 as ::ffff:a.b.c.d) and back. `text` holds NETWORK_TEXT bytes.
const char *network_address_text(const uint8_t address[16], char *text);
bool network_address_parse(const char *text, uint8_t address[16]);
bool network_is_ipv4(const uint8_t address[16]);
bool network_is_zero(const uint8_t address[16]);

// "10.0.2.0/24"; without a slash all bits of the address. "default": everything.
bool network_prefix_parse(const char *text, uint8_t address[16], uint32_t *bits);

// The interface of that name, or number; ends the program if there is none.
struct net_interface network_interface(cap_t net, const char *name);
// Its name by its number; "?" if there is none.
const char *network_interface_name(cap_t net, uint64_t index, char *text);

// "3:05:12", or "for ever" for 0.
const char *network_time_text(uint64_t seconds, char *text);
