// Delivery and acknowledgement; see irq.h.
#include "kernel/irq/irq.h"

#include "kernel/trace/trace.h"
#include "kernel/x86_64/lapic.h"
#include "kernel/x86_64/vectors.h"

struct vector_state {
    struct list irqs;
    uint32_t pending, line;
    uint64_t count;
    bool used, level; // level: so triggered
    bool missed;      // an edge came while the one before was not yet acknowledged
};

const struct irq_controller *irq_controller;

static struct vector_state vectors[256];

error_t irq_vector_allocate(uint8_t *vector) {
    for (uint32_t candidate = VECTOR_DYNAMIC; candidate < VECTOR_DYNAMIC_END; candidate++) {
        if (vectors[candidate].used)
            continue;
        vectors[candidate].used = true;
        *vector = (uint8_t)candidate;
        return ERR_OK;
    }
    return ERR_NO_SPACE;
}

static error_t irq_create(struct account *account, uint32_t line, uint8_t vector, struct irq **out) {
    error_t error = object_create(CAP_IRQ, sizeof(**out), account, out);
    if (error)
        return error;
    struct vector_state *state = &vectors[vector];
    if (!state->irqs.next)
        list_initialize(&state->irqs);
    state->used = true;
    state->line = (*out)->line = line;
    (*out)->vector = vector;
    list_push_back(&state->irqs, &(*out)->link);
    return ERR_OK;
}

// The vector of a line that was ever used, or NULL.
static struct vector_state *find_line(uint32_t line) {
    for (uint32_t vector = VECTOR_ISA; vector < VECTOR_DYNAMIC_END; vector++)
        if (vectors[vector].irqs.next && vectors[vector].used && vectors[vector].line == line)
            return &vectors[vector];
    return NULL;
}

error_t irq_create_line(struct account *account, uint32_t line, bool level, bool active_low, struct irq **out) {
    struct vector_state *state = find_line(line);
    if (state && !list_is_empty(&state->irqs)) // a shared line is routed once: that masks it
        return irq_create(account, line, (uint8_t)(state - vectors), out);
    uint8_t vector;
    error_t error = irq_controller->route(line, level, active_low, &vector);
    if (!error)
        error = irq_create(account, line, vector, out);
    if (!error)
        vectors[vector].level = level;
    return error;
}

error_t irq_create_message(struct account *account, struct irq **out, uint64_t *address, uint64_t *data) {
    if (!lapic_present())
        return ERR_NOT_SUPPORTED;
    uint8_t vector;
    error_t error = irq_vector_allocate(&vector);
    if (error)
        return error;
    lapic_msi_message(lapic_id(), vector, address, data);
    error = irq_create(account, IRQ_MESSAGE_LINE, vector, out);
    if (error)
        vectors[vector].used = false;
    return error;
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

bool irq_acknowledge(struct irq *irq) {
    struct vector_state *state = &vectors[irq->vector];
    if (!irq->pending)
        return false;
    irq->pending = false;
    if (--state->pending > 0 || irq->line == IRQ_MESSAGE_LINE)
        return true;
    bool missed = state->missed;
    state->missed = false;
    if (!missed || tell(state))
        irq_controller->mask(irq->line, false);
    return true;
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
        irq_controller->mask(irq->line, false);
}

void irq_deliver(uint8_t vector) {
    struct vector_state *state = &vectors[vector];
    if (!state->irqs.next)
        return;
    state->count++;
    if (state->line == IRQ_MESSAGE_LINE) {
        (void)tell(state);
        return;
    }
    // A level is masked until it is acknowledged. An edge that comes while the line is masked is lost: so it is masked only
    // if a second comes before the first was acknowledged, and that one is told then.
    if (!state->level && state->pending > 0) {
        state->missed = true;
        irq_controller->mask(state->line, true);
    } else if (tell(state) == 0 || state->level) {
        irq_controller->mask(state->line, true);
    }
}

error_t irq_line_count(uint32_t line, uint64_t *count) {
    const struct vector_state *state = find_line(line);
    if (!state)
        return ERR_NOT_FOUND;
    *count = state->count;
    return ERR_OK;
}

bool irq_reap_step(struct object *object) {
    struct irq *irq = CONTAINER_OF(object, struct irq, object);
    list_remove(&irq->link);
    (void)irq_acknowledge(irq);
    if (irq->line == IRQ_MESSAGE_LINE)
        vectors[irq->vector].used = false;
    if (irq->notification)
        object_release(&irq->notification->object);
    return true;
}
