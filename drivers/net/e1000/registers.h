// Registers and descriptors of Intel's 82540EM and 82574L, by the names of the "PCI/PCI-X Family of Gigabit
// Ethernet Controllers Software Developer's Manual" (317453; chapter 3 descriptors, chapter 13 registers) and
// the "82574 GbE Controller Family Datasheet" (chapter 10), which are the same where this driver uses them.
#pragma once

#include <stdint.h>

enum e1000_register {
    E1000_CTRL = 0x0000,
    E1000_STATUS = 0x0008,
    E1000_ICR = 0x00c0, // reading it clears it
    E1000_ITR = 0x00c4,
    E1000_IMS = 0x00d0,
    E1000_IMC = 0x00d8,
    E1000_RCTL = 0x0100,
    E1000_TCTL = 0x0400,
    E1000_TIPG = 0x0410,
    E1000_RDBAL = 0x2800,
    E1000_RDBAH = 0x2804,
    E1000_RDLEN = 0x2808,
    E1000_RDH = 0x2810,
    E1000_RDT = 0x2818,
    E1000_RDTR = 0x2820,
    E1000_TDBAL = 0x3800,
    E1000_TDBAH = 0x3804,
    E1000_TDLEN = 0x3808,
    E1000_TDH = 0x3810,
    E1000_TDT = 0x3818,
    E1000_TIDV = 0x3820,
    E1000_CRCERRS = 0x4000, // counters are cleared by reading them (13.7)
    E1000_RXERRC = 0x400c,
    E1000_MPC = 0x4010,
    E1000_RXCSUM = 0x5000,
    E1000_MTA = 0x5200, // 128 registers
    E1000_RAL = 0x5400,
    E1000_RAH = 0x5404,
};

enum {
    E1000_CTRL_ASDE = 1 << 5,
    E1000_CTRL_SLU = 1 << 6,
    E1000_CTRL_RST = 1 << 26,
    E1000_STATUS_FD = 1 << 0,
    E1000_STATUS_LU = 1 << 1,
    E1000_STATUS_SPEED_SHIFT = 6, // 0: 10, 1: 100, 2 and 3: 1000 Mbit/s
    E1000_ICR_TXDW = 1 << 0,
    E1000_ICR_LSC = 1 << 2,
    E1000_ICR_RXDMT0 = 1 << 4,
    E1000_ICR_RXO = 1 << 6,
    E1000_ICR_RXT0 = 1 << 7,
    E1000_RCTL_EN = 1 << 1,
    E1000_RCTL_UPE = 1 << 3,
    E1000_RCTL_MPE = 1 << 4,
    E1000_RCTL_BAM = 1 << 15,
    E1000_RCTL_SECRC = 1 << 26, // BSIZE 0: buffers of 2,048 bytes
    E1000_TCTL_EN = 1 << 1,
    E1000_TCTL_PSP = 1 << 3,
    E1000_TCTL_CT_SHIFT = 4,
    E1000_TCTL_COLD_SHIFT = 12,
    E1000_RXCSUM_IPOFLD = 1 << 8,
    E1000_RXCSUM_TUOFLD = 1 << 9,
    E1000_MTA_REGISTERS = 128,
    E1000_REGISTERS_BYTES = 0x6000, // that are used here
};
#define E1000_RAH_AV (UINT32_C(1) << 31)

// 3.2.3 Receive descriptor format.
struct e1000_receive_descriptor {
    uint64_t address;
    uint16_t length, checksum;
    uint8_t status, errors;
    uint16_t special;
};

enum {
    E1000_RXD_DD = 1 << 0,
    E1000_RXD_EOP = 1 << 1,
    E1000_RXD_IXSM = 1 << 2,  // no sum was looked at
    E1000_RXD_UDPCS = 1 << 4, // 82574L
    E1000_RXD_TCPCS = 1 << 5,
    E1000_RXD_IPCS = 1 << 6,
    E1000_RXD_ERROR_TCPE = 1 << 5,
    E1000_RXD_ERROR_IPE = 1 << 6,
};

// 3.3.6 TCP/IP context and 3.3.7 data descriptor. Context: `address` holds IPCSS, IPCSO, IPCSE, TUCSS, TUCSO,
// TUCSE, `upper` the status, HDRLEN and MSS. Data: `upper` holds status and POPTS.
struct e1000_send_descriptor {
    uint64_t address;
    uint32_t command; // 20 bits of length, 4 of type, 8 of command
    uint32_t upper;
};

enum {
    E1000_TXD_CONTEXT = 0,
    E1000_TXD_DATA = 1 << 20,
    E1000_TXD_EOP = 1 << 24, // data
    E1000_TXD_TCP = 1 << 24, // context
    E1000_TXD_IFCS = 1 << 25,
    E1000_TXD_IP = 1 << 25, // context
    E1000_TXD_TSE = 1 << 26,
    E1000_TXD_RS = 1 << 27,
    E1000_TXD_DEXT = 1 << 29,
    E1000_TXD_DD = 1 << 0,   // upper
    E1000_TXD_IXSM = 1 << 8, // upper: insert the sum of IPv4
    E1000_TXD_TXSM = 1 << 9, // upper: insert the sum of TCP or UDP
    E1000_TXD_HDRLEN_SHIFT = 8,
    E1000_TXD_MSS_SHIFT = 16,
};
