// Addresses of packet sockets, which carry whole Ethernet frames (as on Linux).
#pragma once

#include <sys/socket.h>

struct sockaddr_ll {
    unsigned short sll_family;
    unsigned short sll_protocol;
    int sll_ifindex; // 0: all
    unsigned short sll_hatype;
    unsigned char sll_pkttype; // PACKET_OUTGOING: this machine sent it
    unsigned char sll_halen;
    unsigned char sll_addr[8];
};

#define PACKET_HOST     0
#define PACKET_OUTGOING 4
