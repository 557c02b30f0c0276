// The system calls as C functions: the register map of kernel/abi/syscall.h in inline assembly, and nothing
// else. Host tests put a header of the same path in front of this one, which calls a simulated kernel
// instead.
#pragma once

#include <stdint.h>

#include "kernel/abi/errors.h"
#include "kernel/abi/message.h"
#include "kernel/abi/syscall.h"

// What a system call takes and gives, by role; the registers are named in the comments.
struct ipc_registers {
    uint64_t target;                        // rdi in: slot; out: badge or cookie
    uint64_t tag;                           // rsi
    uint64_t words[MESSAGE_REGISTER_WORDS]; // rdx r8 r9 r10 r12 r13
    uint64_t second;                        // r14 in: second slot; out: thread part of the request number
    uint64_t third;                         // r15 out: count part of the request number
};

// Every register is taken in and given back through `registers`, which lies on its caller's stack, so that in a server these
// stores need no notes (libipc/kept/undo.h). Returns rax.
__attribute__((no_sanitize("kernel-address"))) static inline error_t system_call(int32_t number,
                                                                                 struct ipc_registers *registers) {
    uint64_t result = (uint32_t)number;
    register uint64_t word1 __asm__("r8") = registers->words[1];
    register uint64_t word2 __asm__("r9") = registers->words[2];
    register uint64_t word3 __asm__("r10") = registers->words[3];
    register uint64_t word4 __asm__("r12") = registers->words[4];
    register uint64_t word5 __asm__("r13") = registers->words[5];
    register uint64_t second __asm__("r14") = registers->second;
    register uint64_t third __asm__("r15");
    __asm__ volatile("syscall"
                     : "+a"(result), "+D"(registers->target), "+S"(registers->tag), "+d"(registers->words[0]), "+r"(word1),
                       "+r"(word2), "+r"(word3), "+r"(word4), "+r"(word5), "+r"(second), "=r"(third)
                     :
                     : "rbx", "rcx", "r11", "cc", "memory");
    registers->words[1] = word1;
    registers->words[2] = word2;
    registers->words[3] = word3;
    registers->words[4] = word4;
    registers->words[5] = word5;
    registers->second = second;
    registers->third = third;
    return (error_t)result;
}

// Sets bits of a notification. The cheapest kernel entry: changes rax, rcx and r11 only.
static inline error_t notification_signal(cap_t notification, uint64_t bits) {
    uint64_t result = (uint32_t)SYS_SIGNAL;
    __asm__ volatile("syscall" : "+a"(result) : "D"((uint64_t)notification), "S"(bits) : "rcx", "r11", "cc", "memory");
    return (error_t)result;
}
