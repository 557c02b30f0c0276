// See poll_list.h. Tickets are never used twice, so a late poll_end hits nobody else's registration.
#include "servers/framework/poll_list.h"

#include <stdlib.h>

#include "libipc/client/slot.h"
#include "libipc/client/system_call.h"
#include "libipc/protocols/file.h"

struct poll_registration {
    struct poll_registration *next;
    cap_t notification;
    uint64_t bits, interest, ticket;
};

static uint64_t last_ticket;

error_t poll_list_add(struct poll_list *list, cap_t notification, uint64_t bits, uint64_t interest,
                      uint64_t *ticket) {
    struct poll_registration *registration =
        list->count < POLL_LIST_MAX ? malloc(sizeof(*registration)) : NULL;
    if (registration == NULL) {
        slot_release(notification);
        return ERR_NO_MEMORY;
    }
    *registration =
        (struct poll_registration){.next = list->first, .notification = notification, .bits = bits};
    registration->interest = interest | READINESS_HANG_UP | READINESS_ERROR;
    registration->ticket = *ticket = ++last_ticket;
    list->first = registration;
    list->count++;
    return ERR_OK;
}

static void drop(struct poll_list *list, struct poll_registration **place) {
    struct poll_registration *registration = *place;
    *place = registration->next;
    list->count--;
    slot_release(registration->notification);
    free(registration);
}

void poll_list_remove(struct poll_list *list, uint64_t ticket) {
    for (struct poll_registration **place = &list->first; *place != NULL; place = &(*place)->next) {
        if ((*place)->ticket == ticket) {
            drop(list, place);
            return;
        }
    }
}

void poll_list_notify(struct poll_list *list, uint64_t ready) {
    for (struct poll_registration **place = &list->first; *place != NULL;) {
        if (((*place)->interest & ready) == 0) {
            place = &(*place)->next;
            continue;
        }
        error_t ignored =
            notification_signal((*place)->notification, (*place)->bits); // a client that is gone
        (void)ignored;
        drop(list, place);
    }
}

void poll_list_clear(struct poll_list *list) {
    while (list->first != NULL)
        drop(list, &list->first);
}
