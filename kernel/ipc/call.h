// A call object: a request that is sent without waiting. Its answer is queued at `endpoint` like any message, with
// `cookie` in the place of the badge. It owns copies of all words, so the sender may go on at once; the capabilities that
// it sends are taken from the sender's slots when the server receives.
#pragma once

#include "kernel/cap/object.h"
#include "kernel/ipc/endpoint.h"
#include "kernel/ipc/request.h"

struct call {
    struct object object;
    struct request request;
    struct endpoint *endpoint; // referenced
    uint64_t cookie, serial, count;
    error_t error; // with which the answer came
    cap_t send_caps[MESSAGE_CAPS];
    uint16_t send_rights[MESSAGE_CAPS];
    cap_t receive_slots[MESSAGE_CAPS];
    cap_t received_caps[MESSAGE_CAPS];
    uint64_t words[MESSAGE_WORDS];
};

error_t call_create(struct account *account, struct endpoint *endpoint, uint64_t cookie, struct call **out) MUST_USE;
// The thread's SYS_SEND. ERR_BUSY if the call is not idle.
error_t call_send(struct call *call, struct session *session, struct thread *thread) MUST_USE;
// The request is over: queues the answer.
void call_answered(struct call *call, error_t error);
