// Methods of irq and ioport objects; what each does is in libipc/protocols/. The capability to make interrupts, and an
// ioport range, need no object: what they allow stands in the slot.
#include "kernel/irq/irq.h"

#include "kernel/syscall/invocation.h"

static error_t create(struct invocation *call, uint32_t method) {
    struct irq *irq;
    struct account *account = call->process->object.account;
    error_t error;
    if (method == METHOD_IRQ_CREATE_LINE) {
        if (call->in[0] >= IRQ_MESSAGE_LINE || call->in[1] > 3)
            return ERR_INVALID;
        error = irq_create_line(account, (uint32_t)call->in[0], call->in[1] & 1, call->in[1] & 2, &irq);
    } else {
        error = irq_create_message(account, &irq, &call->reply[0], &call->reply[1]);
    }
    if (error)
        return error;
    capability_fill(call->out[0], CAP_IRQ, irq, RIGHTS_ALL & ~RIGHT_MINT, call->slot);
    object_release(&irq->object);
    return ERR_OK;
}

error_t irq_invoke(struct invocation *call, uint32_t code) {
    struct irq *irq = call->slot->object;
    uint32_t method = code | PROTOCOL_IRQ << 8;
    if (method == METHOD_IRQ_CREATE_LINE || method == METHOD_IRQ_CREATE_MESSAGE)
        return create(call, method);
    if (!irq)
        return ERR_WRONG_KIND;
    struct notification *notification;
    error_t error;
    switch (method) {
    case METHOD_IRQ_BIND:
        error = invocation_object(call, 0, CAP_NOTIFICATION, RIGHT_SIGNAL, &notification);
        if (!error)
            irq_bind(irq, notification, call->in[0]);
        return error;
    default: // METHOD_IRQ_ACKNOWLEDGE
        call->reply[0] = irq_acknowledge(irq);
        return ERR_OK;
    }
}

error_t ioport_invoke(struct invocation *call, uint32_t code) {
    (void)code; // derive is the only one
    uint32_t first = call->slot->data & 0xffff, last = first + (call->slot->data >> 16);
    uint64_t from = call->in[0], count = call->in[1];
    if (from < first || from > last || count == 0 || count > last - from + 1)
        return ERR_INVALID;
    capability_fill(call->out[0], CAP_IOPORT, NULL, call->slot->rights, call->slot);
    call->out[0]->data = (uint32_t)from | (uint32_t)(count - 1) << 16;
    return ERR_OK;
}
