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
    bool told; // and waits for nothing until it is asked for again
};

static uint64_t last_ticket;

static void drop(struct poll_list *list, struct poll_registration **place) {
    struct poll_registration *registration = *place;
    *place = registration->next;
    list->count--;
    slot_release(registration->notification);
    free(registration);
}

// Of those that nobody ended, some belong to processes that are gone; a process that lives asks again.
static void tell_oldest(struct poll_list *list) {
    struct poll_registration **place = &list->first;
    while ((*place)->next != NULL)
        place = &(*place)->next;
    error_t ignored = notification_signal((*place)->notification, (*place)->bits);
    (void)ignored;
    drop(list, place);
}

error_t poll_list_add(struct poll_list *list, cap_t notification, uint64_t bits, uint64_t interest, uint64_t *ticket) {
    if (list->count >= POLL_LIST_MAX)
        tell_oldest(list);
    struct poll_registration *registration = malloc(sizeof(*registration));
    if (registration == NULL) {
        slot_release(notification);
        return ERR_NO_MEMORY;
    }
    *registration = (struct poll_registration){.next = list->first, .notification = notification, .bits = bits};
    registration->interest = interest | READINESS_HANG_UP | READINESS_ERROR;
    registration->ticket = *ticket = ++last_ticket;
    list->first = registration;
    list->count++;
    return ERR_OK;
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
        error_t ignored = notification_signal((*place)->notification, (*place)->bits); // a client that is gone
        (void)ignored;
        drop(list, place);
    }
}

void poll_list_tell(struct poll_list *list, uint64_t ready) {
    for (struct poll_registration *each = list->first; each != NULL; each = each->next) {
        if (each->told || (each->interest & ready) == 0)
            continue;
        error_t ignored = notification_signal(each->notification, each->bits); // a client that is gone
        (void)ignored;
        each->told = true;
    }
}

void poll_list_wait(struct poll_list *list, uint64_t ready) {
    for (struct poll_registration *each = list->first; each != NULL; each = each->next)
        if (each->told && (each->interest & ready) == 0)
            each->told = false;
}

bool poll_list_again(struct poll_list *list, uint64_t ticket, uint64_t interest, uint64_t ready) {
    struct poll_registration *at = list->first;
    while (at != NULL && at->ticket != ticket)
        at = at->next;
    if (at == NULL)
        return false;
    at->interest = interest | READINESS_HANG_UP | READINESS_ERROR;
    at->told = (ready & at->interest) != 0;
    return true;
}

void poll_list_clear(struct poll_list *list) {
    while (list->first != NULL)
        drop(list, &list->first);
}

enum { POLL_VERSION = 1 };

struct poll_record { // under the session's badge
    uint64_t bits, interest, ticket;
    uint64_t notification; // slot
};

error_t poll_list_give(const struct poll_list *list, struct handover *handover, uint64_t badge) {
    error_t error = ERR_OK;
    for (const struct poll_registration *each = list->first; each != NULL && error == ERR_OK; each = each->next) {
        const struct poll_record record = {each->bits, each->interest, each->ticket, each->notification};
        error = handover_put(handover, HANDOVER_CLASS_POLL, POLL_VERSION, badge, &record, sizeof(record));
    }
    return error;
}

error_t poll_lists_take(struct handover *handover, struct poll_list *(*list_of)(uint64_t badge)) {
    struct handover_view view = {0};
    struct poll_record record;
    while (handover_next(handover, HANDOVER_CLASS_POLL, &view) == ERR_OK) {
        uint64_t ticket;
        error_t error = handover_read(&view, POLL_VERSION, &record, sizeof(record));
        struct poll_list *list = error == ERR_OK ? list_of(view.view.key) : NULL;
        if (list == NULL)
            return ERR_CORRUPT;
        handover_claim((cap_t)record.notification);
        last_ticket = record.ticket - 1;
        error = poll_list_add(list, (cap_t)record.notification, record.bits, record.interest, &ticket);
        if (error != ERR_OK)
            return error;
    }
    last_ticket += UINT64_C(1) << 32; // above all that were given out
    return ERR_OK;
}
