// Moving messages; see request.h.
#include "kernel/ipc/request.h"

#include "kernel/ipc/call.h"
#include "kernel/ipc/endpoint.h"
#include "kernel/sched/process.h"
#include "kernel/sched/thread.h"
#include "kernel/x86_64/string.h"

void transfer_page_words(uint64_t *to, const uint64_t *from, uint64_t tag) {
    uint32_t words = tag_words(tag);
    if (words > MESSAGE_REGISTER_WORDS)
        memcpy(&to[MESSAGE_REGISTER_WORDS], &from[MESSAGE_REGISTER_WORDS], (words - MESSAGE_REGISTER_WORDS) * sizeof(uint64_t));
}

// What is moved leaves the sender in any case: it arrives, or it is gone. A reply stays with the process that must answer;
// handing it on is what forward is for.
static cap_t move_one(struct process *from, cap_t sent, uint16_t rights, struct process *to, cap_t wanted) {
    struct capability *source = capability_slot(&from->table, sent & ~SEND_CAP_MOVE), *target;
    if (!source || source->kind == CAP_NONE || source->kind == CAP_REPLY)
        return 0;
    if ((sent & SEND_CAP_MOVE) && (source->flags & CAPABILITY_REVOKING)) // it stays until that is done
        return 0;
    bool arrives = wanted && !to->object.dying && !capability_reserve(&to->table, to->object.account, wanted, &target);
    if (!(sent & SEND_CAP_MOVE))
        return arrives && !capability_copy(source, target, rights ? rights : RIGHTS_ALL) ? wanted : 0;
    if (!arrives) {
        capability_delete(source);
        return 0;
    }
    capability_move(source, target);
    if (rights)
        target->rights &= rights;
    return wanted;
}

void transfer_drop(struct thread *server) {
    uint32_t count = tag_caps(server->registers.rsi);
    for (uint32_t i = 0; i < count && i < MESSAGE_CAPS; i++)
        if (server->page->send_caps[i] & SEND_CAP_MOVE)
            (void)move_one(server->process, server->page->send_caps[i], 0, server->process, 0);
}

static void move_caps(uint64_t tag, struct process *from, const cap_t *sent, const uint16_t *rights, struct process *to,
                      const cap_t *wanted, cap_t *received) {
    uint32_t count = tag_caps(tag);
    for (uint32_t i = 0; i < MESSAGE_CAPS; i++)
        received[i] = i < count ? move_one(from, sent[i], rights[i], to, wanted[i]) : 0;
}

static uint64_t lent_length(uint64_t tag, uint64_t flag, const struct lend *lend) {
    return tag & flag ? lend->length : 0;
}

void transfer_request(struct request *request, struct thread *server) {
    struct registers *registers = &server->registers;
    uint64_t tag = request->tag & (TAG_METHOD_MASK | UINT64_C(0x0fff0000) | TAG_LEND_READ | TAG_LEND_WRITE);
    registers->rax = ERR_OK;
    registers->rdi = request->session->badge;
    registers->rsi = tag;
    registers->r14 = request->serial;
    registers->r15 = request->count;
    memcpy(registers->words, request->words, sizeof(registers->words));
    if (!(tag & TAG_SLOW))
        return;
    struct message_page *page = server->page;
    transfer_page_words(page->words, request->page_words, tag);
    move_caps(tag, request->process, request->send_caps, request->send_rights, server->process, page->receive_slots,
              page->received_caps);
    page->lent_read_length = lent_length(tag, TAG_LEND_READ, &request->lend_read);
    page->lent_write_length = lent_length(tag, TAG_LEND_WRITE, &request->lend_write);
}

// What the server says about its reply; one that can't be is an error in its place, since a reply does not fail.
static uint64_t reply_tag(const struct thread *server) {
    uint64_t tag = server->registers.rsi & UINT64_C(0x0fffffff);
    return tag_is_possible(tag) ? tag : (uint16_t)ERR_BAD_MESSAGE;
}

void transfer_reply(struct request *request, struct thread *server, struct thread *caller) {
    uint64_t tag = reply_tag(server);
    caller->registers.rsi = tag;
    caller->registers.rdi = caller->registers.r14 = caller->registers.r15 = 0;
    memcpy(caller->registers.words, server->registers.words, sizeof(caller->registers.words));
    if (!(tag & TAG_SLOW))
        return;
    transfer_page_words(caller->page->words, server->page->words, tag);
    move_caps(tag, server->process, server->page->send_caps, server->page->send_rights, request->process,
              caller->page->receive_slots, caller->page->received_caps);
}

void transfer_answer(struct call *call, struct thread *server) {
    uint64_t tag = reply_tag(server);
    call->request.tag = tag;
    memcpy(call->words, server->registers.words, sizeof(server->registers.words));
    transfer_page_words(call->words, server->page->words, tag);
    move_caps(tag, server->process, server->page->send_caps, server->page->send_rights, call->request.process,
              call->receive_slots, call->received_caps);
}
