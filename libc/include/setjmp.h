// Jumps out of functions (C17 7.13, POSIX <setjmp.h>). setjmp does not save the signal mask; sigsetjmp does
// if asked.
#pragma once

#include <signal.h>

typedef unsigned long jmp_buf[8]; // rbx, rbp, r12 to r15, rsp, rip

typedef struct {
    jmp_buf registers;
    int mask_saved;
    sigset_t mask;
} sigjmp_buf[1];

int setjmp(jmp_buf buffer) __attribute__((returns_twice));
int _setjmp(jmp_buf buffer) __attribute__((returns_twice));
int sigsetjmp(sigjmp_buf buffer, int save_mask) __attribute__((returns_twice));
_Noreturn void longjmp(jmp_buf buffer, int value);
_Noreturn void _longjmp(jmp_buf buffer, int value);
_Noreturn void siglongjmp(sigjmp_buf buffer, int value);
