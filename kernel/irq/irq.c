// Delivery and acknowledgement; see irq.h.
#include "kernel/irq/irq.h"

#include "kernel/irq/controller.h"
#include "kernel/trace/trace.h"
#include "kernel/x86_64/lapic.h"

struct vector_state {
    struct list irqs;
    uint32_t pending, line;
    uint64_t count;
    bool used;
    bool level;  // level triggered
    bool missed; // an edge came while the one before was not yet acknowledged
};

static struct vector_state vectors[256];

static struct vector_state *vector_state(uint8_t vector, uint32_t line) {
    struct vector_state *state = &vectors[vector];
    if (!state->used) {
        list_initialize(&state->irqs);
        state->used = true;
    }
    state->line = line;
    return state;
}

static error_t irq_create(struct account *account, uint32_t line, struct irq **out) {
    error_t error = object_create(CAP_IRQ, sizeof(**out), account, out);
    if (error)
        return error;
    (*out)->line = line;
    list_initialize(&(*out)->link);
    return ERR_OK;
}

static void attach(struct irq *irq, uint8_t vector) {
    irq->vector = vector;
    irq->bound_to_vector = true;
    list_push_back(&vector_state(vector, irq->line)->irqs, &irq->link);
}

// The vector of a line that somebody uses, or 0.
static uint8_t vector_in_use(uint32_t line) {
    for (uint32_t vector = 1; vector < 256; vector++)
        if (vectors[vector].used && vectors[vector].line == line && !list_is_empty(&vectors[vector].irqs))
            return (uint8_t)vector;
    return 0;
}

error_t irq_create_line(struct account *account, uint32_t line, uint32_t flags, struct irq **out) {
    uint8_t vector = vector_in_use(line); // a shared line is routed once: that masks it
    error_t error = ERR_OK;
    if (!vector)
        error = irq_controller->route(line, flags & 1 ? IRQ_LEVEL : IRQ_EDGE,
                                      flags & 2 ? IRQ_ACTIVE_LOW : IRQ_ACTIVE_HIGH, &vector);
    if (error)
        return error;
    error = irq_create(account, line, out);
    if (error)
        return error;
    attach(*out, vector);
    vectors[vector].level = flags & 1;
    return ERR_OK;
}

error_t irq_create_message(struct account *account, struct irq **out, uint64_t *address, uint64_t *data) {
    if (!lapic_present())
        return ERR_NOT_SUPPORTED;
    uint8_t vector;
    error_t error = irq_vector_allocate(&vector);
    if (error)
        return error;
    uint32_t value;
    error = lapic_msi_message(lapic_id(), vector, address, &value);
    if (!error)
        error = irq_create(account, IRQ_MESSAGE_LINE, out);
    if (error) {
        irq_vector_release(vector);
        return error;
    }
    *data = value;
    attach(*out, vector);
    return ERR_OK;
}

// Tells everyone who is bound to the vector; the number of those.
static uint32_t tell(struct vector_state *state) {
    uint32_t told = 0;
    for (struct list *link = state->irqs.next; link != &state->irqs; link = link->next) {
        struct irq *irq = CONTAINER_OF(link, struct irq, link);
        if (!irq->notification)
            continue;
        told++;
        if (!irq->pending) {
            irq->pending = true;
            state->pending++;
        }
        trace_event(TRACE_EVENT_IRQ, NULL, irq->vector, trace_object(irq->notification), irq->bits);
        notification_signal(irq->notification, irq->bits);
    }
    return told;
}

static void settle(struct irq *irq) {
    struct vector_state *state = &vectors[irq->vector];
    if (!irq->pending)
        return;
    irq->pending = false;
    if (--state->pending > 0 || irq->line == IRQ_MESSAGE_LINE)
        return;
    bool missed = state->missed;
    state->missed = false;
    if (!missed || tell(state))
        irq_controller->unmask(irq->line);
}

void irq_bind(struct irq *irq, struct notification *notification, uint64_t bits) {
    object_reference(&notification->object);
    if (irq->notification)
        object_release(&irq->notification->object);
    irq->notification = notification;
    irq->bits = bits;
    if (irq->pending) // of the actor before: still to be acknowledged
        notification_signal(notification, bits);
    else if (vectors[irq->vector].pending == 0 && irq->line != IRQ_MESSAGE_LINE)
        irq_controller->unmask(irq->line);
}

void irq_acknowledge(struct irq *irq) {
    settle(irq);
}

void irq_deliver(uint8_t vector) {
    struct vector_state *state = &vectors[vector];
    if (!state->used)
        return;
    state->count++;
    for (struct list *link = state->irqs.next; link != &state->irqs; link = link->next)
        CONTAINER_OF(link, struct irq, link)->count++;
    if (state->line == IRQ_MESSAGE_LINE) {
        (void)tell(state);
        return;
    }
    // A level is masked until it is acknowledged. An edge that comes while the line is masked is lost: so it is masked only
    // if a second comes before the first was acknowledged, and that one is told then.
    if (!state->level && state->pending > 0) {
        state->missed = true;
        irq_controller->mask(state->line);
    } else if (tell(state) == 0 || state->level) {
        irq_controller->mask(state->line);
    }
}

error_t irq_line_count(uint32_t line, uint64_t *count) {
    for (uint32_t vector = 0; vector < 256; vector++) {
        if (vectors[vector].used && vectors[vector].line == line) {
            *count = vectors[vector].count;
            return ERR_OK;
        }
    }
    return ERR_NOT_FOUND;
}

bool irq_reap_step(struct object *object) {
    struct irq *irq = CONTAINER_OF(object, struct irq, object);
    if (irq->bound_to_vector) {
        list_remove(&irq->link);
        settle(irq);
        if (irq->line == IRQ_MESSAGE_LINE) {
            vectors[irq->vector].used = false;
            irq_vector_release(irq->vector);
        }
    }
    if (irq->notification)
        object_release(&irq->notification->object);
    return true;
}
