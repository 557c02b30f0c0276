// Stands in front of libipc/client/system_call.h in host builds: the same functions, carried out by the
// simulated kernel of tests/host/libipc/kernel.c.
#pragma once

#include <stdint.h>

#include "kernel/abi/errors.h"
#include "kernel/abi/message.h"
#include "kernel/abi/syscall.h"

struct ipc_registers {
    uint64_t target;
    uint64_t tag;
    uint64_t words[MESSAGE_REGISTER_WORDS];
    uint64_t second;
    uint64_t third;
};

error_t system_call(int32_t number, struct ipc_registers *registers);
error_t notification_signal(cap_t notification, uint64_t bits);
