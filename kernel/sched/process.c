// Creation, reset, exit and the end of processes; see process.h.
#include "kernel/sched/process.h"

#include "kernel/cap/account.h"
#include "kernel/ipc/endpoint.h"
#include "kernel/sched/thread.h"
#include "kernel/x86_64/switch.h"

enum { TABLE_STEP = 64, END_STEP = 16 };

static struct list all_processes = {&all_processes, &all_processes};
static uint64_t count;

error_t process_create(struct account *account, struct process **out) {
    struct process *process;
    error_t error = object_create(CAP_PROCESS, sizeof(*process), account, &process);
    if (error)
        return error;
    list_initialize(&process->threads);
    list_initialize(&process->aside);
    list_initialize(&process->link);
    request_initialize(&process->exit_event, REQUEST_EXIT);
    static uint64_t serial;
    process->serial = ++serial;
    error = capability_table_create(&process->table);
    if (!error)
        error = space_create(&process->space, account);
    if (error) {
        object_release(&process->object);
        return error;
    }
    list_push_back(&all_processes, &process->link);
    count++;
    *out = process;
    return ERR_OK;
}

bool process_end_threads(struct process *process) {
    struct list *link;
    for (uint32_t i = 0; i < END_STEP; i++) {
        if ((link = list_first(&process->threads)))
            thread_end(CONTAINER_OF(link, struct thread, process_link));
        else if ((link = list_first(&process->aside)))
            request_abandon(CONTAINER_OF(link, struct request, link));
        else
            return true;
    }
    return list_is_empty(&process->threads) && list_is_empty(&process->aside);
}

// What an actor was told of sessions, its successor is told again.
static void show_again(struct process *process) {
    for (uint32_t i = 0; i < process->table.size; i++) {
        struct capability *slot = &process->table.slots[i];
        if (slot->kind == CAP_ENDPOINT && (slot->rights & RIGHT_RECEIVE))
            endpoint_show_again(slot->object);
    }
}

bool process_pause_step(struct process *process) {
    if (!process_end_threads(process))
        return false;
    process->exited = process->exit_untold = false;
    show_again(process);
    return true;
}

static void withdraw_exit(struct process *process) {
    if (process->exit_event.state == REQUEST_IDLE) {
        if (process->exit_event.server)
            request_noted(process->exit_event.server);
        return;
    }
    request_withdraw(&process->exit_event);
    object_release(&process->object); // what process_exit holds until it is told
}

bool process_reset_step(struct process *process, error_t *error) {
    *error = ERR_OK;
    if (!process_end_threads(process))
        return false;
    switch_leave_space(&process->space);
    if (!space_destroy_step(&process->space))
        return false;
    process->exited = process->exit_untold = false;
    withdraw_exit(process); // of the actor before
    process->port_ranges = 0;
    process->foreign = 0;
    show_again(process);
    *error = space_create(&process->space, process->object.account);
    return true;
}

void process_set_keeper(struct process *process, struct session *keeper) {
    if (keeper)
        session_hold(keeper);
    if (process->keeper)
        session_unhold(process->keeper);
    process->keeper = keeper;
}

// Threads end in steps; then the keeper is told. True when both is done.
static bool finish_exit(struct process *process) {
    if (!process_end_threads(process)) {
        object_end_in_steps(&process->object);
        return false;
    }
    if (!process->exit_untold)
        return true;
    process->exit_untold = false;
    struct request *event = &process->exit_event;
    if (!process->keeper) {
        process_destroy(process);
    } else if (event->state == REQUEST_IDLE) {
        event->tag = TAG(EVENT_EXIT, 1);
        event->words = event->page_words = process->exit_words;
        event->process = process;
        object_reference(&process->object); // until told
        if (request_send(event, process->keeper))
            process_exit_told(process, false);
    }
    return true;
}

void process_exit(struct process *process, uint64_t status) {
    if (!process->exited) {
        process->exited = process->exit_untold = true;
        process->exit_words[0] = status;
    }
    (void)finish_exit(process);
}

void process_exit_told(struct process *process, bool received) {
    if (!received)
        process_destroy(process);
    else
        process_check_reachable(process);
    object_release(&process->object);
}

void process_destroy(struct process *process) {
    if (process->object.dying)
        return;
    process->object.dying = true;
    (void)process_end_threads(process); // the others by the reaper
    withdraw_exit(process);
    process_set_keeper(process, NULL);
    list_remove(&process->link);
    count--;
    object_reap(&process->object);
    object_release(&process->object); // the reference of its creation
}

void process_table_grown(struct process *process) {
    for (struct list *link = process->threads.next; link != &process->threads; link = link->next)
        CONTAINER_OF(link, struct thread, process_link)->table_size = process->table.size;
}

void process_count_own(struct process *process, int32_t change) {
    process->own_capabilities = (uint32_t)((int32_t)process->own_capabilities + change);
}

void process_check_reachable(struct process *process) {
    bool told = !process->exited || (!process->exit_untold && process->exit_event.state == REQUEST_IDLE);
    if (process->object.capabilities == process->own_capabilities && list_is_empty(&process->threads) && told)
        process_destroy(process);
}

void process_unreachable(struct object *object) {
    process_check_reachable(CONTAINER_OF(object, struct process, object));
}

bool process_reap_step(struct object *object) {
    struct process *process = CONTAINER_OF(object, struct process, object);
    if (!process->object.dying) // it exits; or exits and is over with that, and then there is more to do
        return finish_exit(process) && !process->object.dying;
    if (!process_end_threads(process))
        return false;
    switch_leave_space(&process->space);
    return capability_table_destroy_step(&process->table, object->account, TABLE_STEP) && space_destroy_step(&process->space);
}

struct process *process_next(uint64_t serial) {
    for (struct list *link = all_processes.next; link != &all_processes; link = link->next) {
        struct process *process = CONTAINER_OF(link, struct process, link);
        if (process->serial > serial)
            return process;
    }
    return NULL;
}

uint64_t process_count(void) {
    return count;
}
