// The loops of the other side; see peer.h. No calls, no constants in memory: the section must stand alone.
#include "programs/ipcbench/peer.h"

#include "kernel/abi/methods.h"
#include "libipc/client/system_call.h"
#include "programs/ipcbench/measure.h"

PEER void peer_answer(struct peer_shared *shared) {
    struct ipc_registers registers = {.target = shared->endpoint, .tag = TAG(0, 0)};
    cap_t endpoint = shared->endpoint;
    (void)system_call(SYS_WAIT, &registers);
    for (;;) {
        registers.target = endpoint;
        registers.tag = TAG(0, 4);
        (void)system_call(SYS_REPLY_WAIT, &registers);
    }
}

PEER void peer_answer_time(struct peer_shared *shared) {
    struct ipc_registers registers = {.target = shared->endpoint, .tag = TAG(0, 0)};
    (void)system_call(SYS_WAIT, &registers);
    for (;;) {
        shared->time = measure_now();
        registers.target = shared->endpoint;
        registers.tag = TAG(0, 4);
        registers.words[0] = measure_now();
        (void)system_call(SYS_REPLY_WAIT, &registers);
    }
}

PEER void peer_call(struct peer_shared *shared) {
    struct ipc_registers registers = {0};
    cap_t target = shared->target;
    for (;;) {
        registers.target = target;
        registers.tag = TAG(METHOD_PEER, 4);
        if (system_call(SYS_CALL, &registers) || (uint32_t)registers.tag != (TAG(0, 4)))
            break;
        shared->count++;
    }
    shared->failed = 1;
    for (;;) { // nothing comes there
        registers.target = shared->endpoint;
        registers.tag = TAG(0, 0);
        (void)system_call(SYS_WAIT, &registers);
    }
}

PEER void peer_take_cap(struct peer_shared *shared) {
    struct ipc_registers registers = {.target = shared->endpoint, .tag = TAG(0, 0)};
    struct message_page *page = shared->page;
    cap_t endpoint = shared->endpoint, slot = shared->free_slot;
    page->receive_slots[0] = slot;
    (void)system_call(SYS_WAIT, &registers);
    for (;;) {
        page->receive_slots[0] = ++slot;
        registers.target = endpoint;
        registers.tag = TAG(0, 0);
        (void)system_call(SYS_REPLY_WAIT, &registers);
    }
}

PEER void peer_lend(struct peer_shared *shared) {
    struct ipc_registers registers = {.target = shared->endpoint, .tag = TAG(0, 0)};
    (void)system_call(SYS_WAIT, &registers);
    for (;;) {
        registers = (struct ipc_registers){.tag = COPY_TO_CALLER};
        registers.words[1] = (uint64_t)shared->buffer;
        registers.words[2] = shared->length;
        (void)system_call(SYS_COPY, &registers); // words[0] becomes the bytes moved: the answer
        registers.target = shared->endpoint;
        registers.tag = TAG(0, 1);
        (void)system_call(SYS_REPLY_WAIT, &registers);
    }
}

PEER void peer_wait(struct peer_shared *shared) {
    struct ipc_registers registers = {0};
    for (;;) {
        registers.target = shared->notification;
        registers.tag = 0;
        registers.second = 0;
        (void)system_call(SYS_WAIT, &registers);
        shared->time = measure_now();
    }
}

PEER void peer_page(struct peer_shared *shared) {
    struct ipc_registers registers = {.target = shared->endpoint};
    (void)system_call(SYS_WAIT, &registers);
    for (;;) {
        uint64_t offset = registers.words[0];
        shared->page->send_caps[0] = shared->source;
        shared->page->send_rights[0] = 0;
        registers.target = shared->target;
        registers.tag = (TAG(METHOD_MEMORY_SUPPLY, 3)) | UINT64_C(1) << TAG_CAPS_SHIFT;
        registers.words[1] = 4096;
        registers.words[2] = offset;
        (void)system_call(SYS_CALL, &registers);
        registers.target = shared->endpoint;
        registers.tag = TAG(0, 0);
        (void)system_call(SYS_REPLY_WAIT, &registers);
    }
}

// Its page is a copy of the template's, so the time goes through the notification: as its bits.
PEER void peer_begin_process(struct peer_shared *shared) {
    uint64_t now = measure_now();
    (void)notification_signal(shared->notification, now);
    struct ipc_registers registers = {.target = shared->endpoint, .tag = 0};
    for (;;) {
        registers.target = shared->endpoint;
        (void)system_call(SYS_WAIT, &registers);
    }
}
