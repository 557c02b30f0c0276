// The offsets and constants that assembly needs, taken from the C definitions: compiled to assembly at build time, from
// which layout.py makes layout.inc. Never linked.
#include <stddef.h>

#include "kernel/abi/syscall.h"
#include "kernel/ipc/notification.h"
#include "kernel/ipc/endpoint.h"
#include "kernel/cap/capability.h"
#include "kernel/sched/thread.h"
#include "kernel/x86_64/descriptors.h"
#include "kernel/x86_64/processors.h"
#include "kernel/x86_64/processor.h"

#define CONSTANT(name, value)      __asm__ volatile("\n.ascii \"layout " #name " %c0\"" : : "i"((long)(value)))
#define OFFSET(name, type, member) CONSTANT(name, offsetof(struct type, member))

void layout(void);

void layout(void) {
    OFFSET(CPU_CURRENT, processor, cpu.current);
    OFFSET(CPU_TOP, processor, cpu.queue.top);
    OFFSET(CPU_MESSAGES, processor, cpu.messages);
    OFFSET(CPU_SELF, processor, self);
    OFFSET(CPU_LOAD_ROOT, processor, load_root);
    OFFSET(CPU_MAILBOX, processor, mailbox);
    OFFSET(CPU_FPU_OWNER, processor, fpu_owner);
    OFFSET(CPU_TRAPPED, processor, fpu_trapped);
    OFFSET(LOCK_NEXT, kernel_lock, next);
    OFFSET(LOCK_NOW, kernel_lock, now);
    OFFSET(LOCK_WAITS, kernel_lock, waits);
    CONSTANT(KERNEL_STACK_BYTES, KERNEL_STACK_BYTES);
    OFFSET(CPU_APIC_ID, processor, apic_id);
    OFFSET(CPU_KERNEL_STACK, processor, kernel_stack);
    OFFSET(CPU_USER_STACK, processor, user_stack);
    OFFSET(CPU_ROOT, processor, space_root);
    OFFSET(T_RDX, thread, registers.words[0]);
    OFFSET(T_R8, thread, registers.words[1]);
    OFFSET(T_R9, thread, registers.words[2]);
    OFFSET(T_R10, thread, registers.words[3]);
    OFFSET(T_R12, thread, registers.words[4]);
    OFFSET(T_R13, thread, registers.words[5]);
    OFFSET(T_RAX, thread, registers.rax);
    OFFSET(T_RDI, thread, registers.rdi);
    OFFSET(T_RSI, thread, registers.rsi);
    OFFSET(T_RBX, thread, registers.rbx);
    OFFSET(T_RBP, thread, registers.rbp);
    OFFSET(T_RSP, thread, registers.rsp);
    OFFSET(T_RCX, thread, registers.rcx);
    OFFSET(T_R11, thread, registers.r11);
    OFFSET(T_R14, thread, registers.r14);
    OFFSET(T_R15, thread, registers.r15);
    OFFSET(T_RIP, thread, registers.rip);
    OFFSET(T_RFLAGS, thread, registers.rflags);
    OFFSET(T_INTERRUPTED, thread, interrupted);
    OFFSET(T_TABLE_SLOTS, thread, table_slots);
    OFFSET(T_TABLE_SIZE, thread, table_size);
    OFFSET(T_STATE, thread, state);
    OFFSET(T_PRIORITY, thread, priority);
    OFFSET(T_EFFECTIVE, thread, effective);
    OFFSET(T_EXTRAS, thread, extras);
    OFFSET(T_ROOT, thread, space_root);
    OFFSET(T_REQUEST, thread, request);
    OFFSET(T_CALL_HEAD, thread, call_origin); // call_origin, call_state, effective, call_cancelling: four bytes
    OFFSET(T_CALLER, thread, caller);
    OFFSET(T_WAITS_AT, thread, waits_at);
    OFFSET(T_CPU, thread, cpu);
    OFFSET(R_HEAD, request, origin); // origin, state, priority, cancelling: four bytes
    OFFSET(R_STATE, request, state);
    OFFSET(R_SESSION, request, session);
    OFFSET(R_SERIAL, request, serial);
    OFFSET(R_COUNT, request, count);
    OFFSET(R_TAG, request, tag);
    OFFSET(R_SERVER, request, server);
    OFFSET(S_ENDPOINT, session, endpoint);
    OFFSET(S_BADGE, session, badge);
    OFFSET(S_HOLDS, session, holds);
    OFFSET(O_CAPABILITIES, object, capabilities);
    OFFSET(E_RECEIVER, endpoint, receiver);
    OFFSET(E_QUEUED, endpoint, queued); // with `events` behind it: one quadword
    OFFSET(N_BITS, notification, bits);
    OFFSET(C_KIND, capability, kind); // kind, flags, rights: four bytes
    CONSTANT(C_SESSION, CAP_SESSION | (long)SESSION_RIGHTS << 16);
    CONSTANT(C_ENDPOINT, CAP_ENDPOINT | (long)RIGHTS_ALL << 16);
    CONSTANT(STATE_READY, THREAD_STATE_READY);
    CONSTANT(STATE_WAITING, THREAD_STATE_WAITING);
    CONSTANT(STATE_CALLING, THREAD_STATE_CALLING);
    CONSTANT(EXTRA_FPU, EXTRA_FPU);
    CONSTANT(KIND_NOTIFICATION, CAP_NOTIFICATION);
    CONSTANT(RIGHT_SIGNAL, RIGHT_SIGNAL);
    CONSTANT(ERROR_BAD_CAPABILITY, ERR_BAD_CAPABILITY);
    CONSTANT(NUMBER_SIGNAL, SYS_SIGNAL);
    CONSTANT(NUMBER_CALL, SYS_CALL);
    CONSTANT(NUMBER_REPLY_WAIT, SYS_REPLY_WAIT);
    CONSTANT(MASK_SLOW, TAG_SLOW);
    CONSTANT(TAG_WORDS_SHIFT, TAG_WORDS_SHIFT);
    CONSTANT(USER_CS, SELECTOR_USER_CODE);
    CONSTANT(USER_SS, SELECTOR_USER_DATA);
}

_Static_assert(REQUEST_THREAD == 0 && REQUEST_IDLE == 0, "fastpath.asm tests for zero");
_Static_assert(sizeof(struct capability) == 32, "fastpath.asm shifts by five");
_Static_assert(offsetof(struct thread, interrupted) == offsetof(struct thread, state) + 1, "fastpath.asm writes both at once");
_Static_assert(offsetof(struct thread, effective) - offsetof(struct thread, call_origin) ==
                       offsetof(struct request, priority) - offsetof(struct request, origin) &&
                   offsetof(struct thread, call_state) - offsetof(struct thread, call_origin) ==
                       offsetof(struct request, state) - offsetof(struct request, origin),
               "fastpath.asm copies them as one word");
_Static_assert(offsetof(struct processor, cpu) == 0, "a processor and its cpu have one address");
