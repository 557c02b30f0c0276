// See timer.h. A sorted singly linked list: servers have few timers.
#include "libipc/server/timer.h"

#include <stddef.h>

static struct timer *first;

void timer_set(struct timer *timer, uint64_t at, void (*expired)(struct timer *timer)) {
    timer_clear(timer);
    timer->at = at;
    timer->expired = expired;
    timer->armed = true;
    struct timer **place = &first;
    while (*place != NULL && (*place)->at <= at)
        place = &(*place)->next;
    timer->next = *place;
    *place = timer;
}

void timer_clear(struct timer *timer) {
    if (!timer->armed)
        return;
    struct timer **place = &first;
    while (*place != timer)
        place = &(*place)->next;
    *place = timer->next;
    timer->armed = false;
}

uint64_t timer_first(void) {
    return first != NULL ? (first->at != 0 ? first->at : 1) : 0;
}

void timer_run(uint64_t now) {
    while (first != NULL && first->at <= now) {
        struct timer *timer = first;
        timer_clear(timer);
        timer->expired(timer);
    }
}
