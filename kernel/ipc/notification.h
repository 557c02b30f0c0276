// A notification: a word of bits, set without blocking, taken all at once by a thread that waits for it or at the endpoint
// it is bound to.
#pragma once

#include "kernel/cap/object.h"

struct endpoint;
struct thread;

struct notification {
    struct object object;
    uint64_t bits;
    struct list waiters;       // struct thread.queue_link
    struct endpoint *endpoint; // that it is bound to, or NULL; the endpoint holds the reference
    bool counted;              // in endpoint->events: bits are set that nobody took
};

error_t notification_create(struct account *account, struct notification **out) MUST_USE;
void notification_signal(struct notification *notification, uint64_t bits);
// Fills the thread's registers with the bits and clears them; false if none is set.
bool notification_take(struct notification *notification, struct thread *thread);
// The thread waits here from now on.
void notification_add_waiter(struct notification *notification, struct thread *thread);
// The bits, which are cleared.
uint64_t notification_poll(struct notification *notification);
void notification_bind(struct notification *notification, struct endpoint *endpoint);
void notification_unbind(struct notification *notification);
