// The system calls and their register map: the first thing written, the last to change. kernel/x86_64/entry.asm and
// libipc's stubs are the two sides of it. Numbers are negative so that they lie outside every Linux number: any other
// value of eax is a *foreign* system call and is handed back to user mode (see process.set_foreign).
//
//   in    eax  number                      out   rax  ERR_OK, WAIT_NOTIFICATION or a negative error_t
//         edi  capability slot                   rdi  badge of the session that the message came through
//         esi  tag (message.h)                   rsi  tag of the message or of the reply
//         rdx r8 r9 r10 r12 r13  words 0-5       rdx r8 r9 r10 r12 r13  words 0-5
//         r14d second slot, see below            r14 r15  request number: thread, count (0 for a reply)
//
// Every call may change every general register except rsp and rbp; rbx comes back as zero. The flags register comes back
// in the state that a new thread has. No register ever carries a kernel address or another process's leftovers.
//
//   SYS_CALL        send the message to edi, wait for the answer.
//   SYS_REPLY_WAIT  answer the request being served (if any), wait at the endpoint (or notification) edi.
//   SYS_WAIT        wait at edi. While a request is being served r14d names the empty slot in which it is put aside.
//   SYS_SEND        as SYS_CALL without waiting, through the call object r14d, which must be idle.
//   SYS_REPLY       answer the request put aside in r14d (0: the one being served).
//   SYS_FORWARD     hand the request put aside in r14d (0: the one being served) on to session edi with this message; its
//                   caller, number and lent buffers go along.
//   SYS_SIGNAL      set the bits rsi of notification edi. Changes rax, rcx and r11 only.
//   SYS_COPY        move bytes between a lent buffer of the request in r14d (0: the one being served) and the caller's own
//                   memory or, if edi is not 0, memory object edi. rsi: COPY_FROM_CALLER or COPY_TO_CALLER; rdx: offset in
//                   the lent buffer; r8: own address, or offset in the memory object; r9: bytes. Out: rdx: bytes moved.
//   SYS_SERVE       put the request being served aside in slot rsi (0: none may be), then serve the one put aside in r14d
//                   (0: none).
#pragma once

enum {
    SYS_CALL = -1,
    SYS_REPLY_WAIT = -2,
    SYS_WAIT = -3,
    SYS_SEND = -4,
    SYS_REPLY = -5,
    SYS_FORWARD = -6,
    SYS_SIGNAL = -7,
    SYS_COPY = -8,
    SYS_SERVE = -9,
    SYS_LAST = -9,
};

// rax of a wait that ended with a notification: word 0 holds the bits, which are cleared.
enum { WAIT_NOTIFICATION = 1 };

enum { COPY_FROM_CALLER = 0, COPY_TO_CALLER = 1 };
