// See timer.h. A sorted singly linked list: servers have few timers.
#include "libipc/server/timer.h"

#include <stddef.h>

#include "libipc/server/loop.h"

void timer_set(struct timer *timer, uint64_t at, void (*expired)(struct timer *timer)) {
    timer_clear(timer);
    timer->at = at;
    timer->expired = expired;
    timer->armed = true;
    struct timer **place = &loop.timers;
    while (*place != NULL && (*place)->at <= at)
        place = &(*place)->next;
    timer->next = *place;
    *place = timer;
}

void timer_clear(struct timer *timer) {
    if (!timer->armed)
        return;
    struct timer **place = &loop.timers;
    while (*place != timer)
        place = &(*place)->next;
    *place = timer->next;
    timer->armed = false;
}

uint64_t timer_first(void) {
    return loop.timers != NULL ? (loop.timers->at != 0 ? loop.timers->at : 1) : 0;
}

void timer_run(uint64_t now) {
    while (loop.timers != NULL && loop.timers->at <= now) {
        struct timer *timer = loop.timers;
        timer_clear(timer);
        timer->expired(timer);
    }
}
