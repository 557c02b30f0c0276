// The checker behind invariants.h: counts every reference, hold, charge and frame anew, from the objects alone.
#include "tests/host/kernel/invariants.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/abi/methods.h"
#include "kernel/cap/account.h"
#include "kernel/ipc/call.h"
#include "kernel/ipc/endpoint.h"
#include "kernel/ipc/notification.h"
#include "kernel/irq/irq.h"
#include "kernel/memory/direct_map.h"
#include "kernel/memory/frame.h"
#include "kernel/memory/heap.h"
#include "kernel/sched/process.h"
#include "kernel/sched/thread.h"
#include "kernel/x86_64/switch.h"
#include "tests/host/kernel/machine.h"

enum { TALLIES = 1 << 12, SLOTS_PER_PAGE = 128, FRAMES = MACHINE_BYTES / PAGE_BYTES };

struct tally {
    struct object *object;
    uint32_t slots, references, holds;
    uint64_t charged; // to this account alone
};

static struct tally tallies[TALLIES];
static uint16_t frame_users[FRAMES];
static uint32_t frames_seen[FRAMES]; // those with users
static uint32_t seen_count;
static uint64_t frames_used;
static struct { // the slabs, by their frames: who pays
    const struct account *account;
    bool is_seen;
} slabs[FRAMES];

_Noreturn static void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
_Noreturn static void fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("invariant: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    abort();
}

static struct tally *tally_of(const void *object) {
    uint64_t at = ((uint64_t)object >> 5) * UINT64_C(0x9e3779b97f4a7c15) >> 52;
    while (tallies[at].object != object) {
        if (!tallies[at].object)
            return NULL;
        at = (at + 1) % TALLIES;
    }
    return &tallies[at];
}

static struct tally *need(const void *object, uint8_t kind, const char *whose) {
    struct tally *tally = tally_of(object);
    if (!tally)
        fail("%s names an object that is not alive", whose);
    if (tally->object->kind != kind)
        fail("%s names an object of kind %u, not %u", whose, tally->object->kind, kind);
    return tally;
}

static void tally_all(void) {
    memset(tallies, 0, sizeof(tallies));
    if (machine_object_count > TALLIES / 2)
        fail("too many objects for this checker");
    for (uint32_t i = 0; i < machine_object_count; i++) {
        uint64_t at = ((uint64_t)machine_objects[i] >> 5) * UINT64_C(0x9e3779b97f4a7c15) >> 52;
        while (tallies[at].object)
            at = (at + 1) % TALLIES;
        tallies[at].object = machine_objects[i];
    }
}

static uint32_t list_length(const struct list *list, const char *name) {
    uint32_t length = 0;
    for (const struct list *link = list->next; link != list; link = link->next, length++)
        if (link->next->previous != link || link->previous->next != link || length > 100000)
            fail("the list of %s is broken", name);
    return length;
}

// Slots and derivation.
static struct capability *numbered(uint32_t number) {
    struct capability *slot = &capability_region[number];
    if (!kernel_page_is_mapped((uint64_t)slot) || slot->kind == CAP_NONE)
        fail("a derivation link leads to an empty slot");
    return slot;
}

static void check_links(const struct capability *slot) {
    uint32_t me = capability_number(slot);
    if (!slot->first != !slot->last)
        fail("a slot has a first child and no last one");
    if (slot->previous) {
        const struct capability *previous = numbered(slot->previous);
        if (previous->next != me && previous->first != me)
            fail("a slot's previous one does not lead back to it");
    }
    if (slot->next) {
        const struct capability *next = numbered(slot->next);
        if (next->previous != me && next->last != me)
            fail("a slot's next one does not lead back to it");
    }
    uint32_t before = me, children = 0;
    for (uint32_t number = slot->first; number && number != me; number = numbered(number)->next, children++) {
        if (numbered(number)->previous != before || children > 100000)
            fail("the children of a slot are not linked in order");
        before = number;
    }
    if (slot->first && before != slot->last)
        fail("the last child is not the last");
}

static void check_slot(struct process *process, struct capability *slot, uint32_t *own) {
    if (slot->kind == CAP_NONE) {
        static const struct capability empty;
        if (memcmp(slot, &empty, sizeof(empty)) != 0)
            fail("an empty slot is not empty");
        return;
    }
    check_links(slot);
    if (slot->kind == CAP_REPLY) {
        struct request *request = slot->object;
        if (request->state != REQUEST_ASIDE || request->slot != slot)
            fail("a reply's request is not put aside in its slot");
        return;
    }
    if (!slot->object) {
        if (slot->kind != CAP_KERNEL && slot->kind != CAP_IOPORT && slot->kind != CAP_IRQ)
            fail("a slot of kind %u has no object", slot->kind);
        return;
    }
    need(slot->object, slot->kind, "a slot")->slots++;
    *own += slot->kind == CAP_PROCESS && slot->object == process;
}

// Memory, mappings and page tables.
static void use_frame(uint64_t physical) {
    if (physical % PAGE_BYTES || !frame_is_managed(physical))
        fail("a frame that is none: %#llx", (unsigned long long)physical);
    if (frame_users[physical / PAGE_BYTES]++ == 0)
        frames_used++, frames_seen[seen_count++] = (uint32_t)(physical / PAGE_BYTES);
}

static void walk_memory(uint64_t entry, uint32_t level, uint64_t *resident) {
    if (!entry)
        return;
    if (level == 0) {
        use_frame(entry);
        ++*resident;
        return;
    }
    frames_used++;
    for (int i = 0; i < 512; i++)
        walk_memory(((uint64_t *)direct_map(entry))[i], level - 1, resident);
}

static bool is_linear(const struct memory *memory) {
    return memory->memory_kind == MEMORY_KIND_PHYSICAL || memory->memory_kind == MEMORY_KIND_CONTIGUOUS;
}

static void check_memory(struct memory *memory) {
    uint64_t resident = 0;
    if (memory->memory_kind == MEMORY_KIND_CONTIGUOUS && memory->physical)
        frames_used += memory->charged / PAGE_BYTES;
    if (is_linear(memory))
        return;
    if (memory->levels == 0)
        for (uint64_t page = 0; page < MEMORY_DIRECT_PAGES; page++)
            walk_memory(memory->direct[page], 0, &resident);
    else
        walk_memory(memory->root, memory->levels, &resident);
    if (resident != memory->resident && memory->cursor == 0)
        fail("%llu pages are resident, %llu counted", (unsigned long long)resident, (unsigned long long)memory->resident);
    for (struct list *link = memory->mappings.next; link != &memory->mappings; link = link->next)
        if (CONTAINER_OF(link, struct mapping, in_memory)->memory != memory)
            fail("a mapping is in another object's list");
}

static uint64_t memory_frame(const struct memory *memory, uint64_t page) {
    if (is_linear(memory))
        return memory->physical + page * PAGE_BYTES;
    if (memory->levels == 0)
        return memory->direct[page];
    uint64_t entry = memory->root;
    for (uint32_t level = memory->levels; level > 0 && entry; level--)
        entry = ((uint64_t *)direct_map(entry))[page >> 9 * (level - 1) & 511];
    return entry;
}

static void check_entry(struct space *space, uint64_t address, uint64_t entry) {
    struct mapping *mapping = space_find(space, address);
    if (!mapping)
        fail("a page is present where nothing is mapped: %#llx", (unsigned long long)address);
    uint64_t page = (mapping->offset + address - mapping->start) / PAGE_BYTES, physical = entry & PAGE_ADDRESS;
    if (memory_frame(mapping->memory, page) != physical)
        fail("a page shows another frame than its memory object holds");
    bool writable = entry & PAGE_WRITE;
    if (writable && (!(mapping->flags & RIGHT_WRITE) || (!is_linear(mapping->memory) && frame_is_shared(physical))))
        fail("a page is writable that should not be");
    if (!(entry & PAGE_USER) || (writable && !(entry & PAGE_NO_EXECUTE)) ||
        !(entry & PAGE_NO_EXECUTE) != !!(mapping->flags & RIGHT_EXECUTE))
        fail("a page has wrong rights");
}

// Counts the slab that something lies in, once. The kernel's own is paid for by nobody.
static void check_slab(const void *memory, const struct account *account) {
    uint64_t frame = direct_map_physical(memory) / PAGE_BYTES;
    if (!slabs[frame].is_seen) {
        slabs[frame].is_seen = true;
        slabs[frame].account = account;
        frames_used++;
        if (account)
            need(account, CAP_ACCOUNT, "a slab")->charged += PAGE_BYTES;
    } else if (slabs[frame].account != account) {
        fail("two accounts share a slab");
    }
}

// Counts the tables of a space.
static uint64_t walk_tables(struct space *space, uint64_t table, uint32_t level, uint64_t address) {
    uint64_t count = 1, entries = level == 3 ? 256 : 512;
    for (uint64_t i = 0; i < entries; i++) {
        uint64_t entry = ((uint64_t *)direct_map(table))[i], at = address + (i << (12 + 9 * level));
        if (!(entry & PAGE_PRESENT))
            continue;
        if (level == 0)
            check_entry(space, at, entry);
        else
            count += walk_tables(space, entry & PAGE_ADDRESS, level - 1, at);
    }
    return count;
}

static void check_space(struct process *process, struct tally *account) {
    struct space *space = &process->space;
    uint64_t end = 0;
    for (struct tree_node *node = tree_first(&space->mappings); node; node = tree_next(node)) {
        struct mapping *mapping = CONTAINER_OF(node, struct mapping, node);
        if (mapping->space != space || mapping->start != node->key || mapping->start < end || mapping->length == 0)
            fail("mappings overlap or are out of order");
        end = mapping->start + mapping->length;
        if (end > USER_HIGHEST || mapping->offset + mapping->length > mapping->memory->pages * PAGE_BYTES ||
            (mapping->flags & ~mapping->allowed) || ((mapping->flags & RIGHT_WRITE) && (mapping->flags & RIGHT_EXECUTE)))
            fail("a mapping shows what it may not");
        need(mapping->memory, CAP_MEMORY, "a mapping")->references++;
        check_slab(mapping, space->account);
    }
    if (space->tables.root) {
        uint64_t tables = walk_tables(space, space->tables.root, 3, 0);
        account->charged += tables * PAGE_BYTES;
        frames_used += tables;
    } else if (space->serial) {
        fail("a space has no page tables");
    }
}

// Requests.
static void check_request(const struct request *request, bool expect_idle, const char *whose) {
    if (request->state == REQUEST_IDLE) {
        if (!list_is_empty(&request->cancel_link) || !expect_idle)
            fail("%s is idle and should not be", whose);
        return;
    }
    if (expect_idle)
        fail("%s is not idle", whose);
    if (request->state == REQUEST_ANSWERED)
        return;
    need(request->session, CAP_SESSION, whose)->holds++;
    if (request->state == REQUEST_SERVED) {
        need(request->server, CAP_THREAD, whose);
        if (thread_serving(request->server) != request)
            fail("%s is served by one who does not serve it", whose);
    }
    if (request->state == REQUEST_ASIDE && (request->slot->kind != CAP_REPLY || request->slot->object != request))
        fail("%s is put aside in a slot that does not hold it", whose);
}

static void check_thread(struct thread *thread) {
    bool ended = thread->state == THREAD_STATE_ENDED, held = thread_is_held(thread), ready = thread->state == THREAD_STATE_READY;
    struct tally *tally = tally_of(thread);
    tally->references += !ended;
    if (thread->process)
        need(thread->process, CAP_PROCESS, "a thread")->references++;
    if (thread->message_memory)
        need(thread->message_memory, CAP_MEMORY, "a thread")->references++;
    if (thread->building)
        need(thread->building, CAP_MEMORY, "a thread")->references++;
    if (thread->fpu_area) {
        tally_of(thread->object.account)->charged += PAGE_BYTES;
        frames_used++;
    }
    check_request(&thread->request, thread->state != THREAD_STATE_CALLING, "a call");
    check_request(&thread->fault, thread->state != THREAD_STATE_FAULTED, "a fault");
    if (ended && thread->table_size)
        fail("a thread that has ended can still look capabilities up");
    if (!ended && (thread->table_slots != thread->process->table.slots || thread->table_size != thread->process->table.size))
        fail("a thread looks its capabilities up in another table");
    bool put_off = ready && thread->timer_cpu; // until its account may spend again
    if (thread->in_queue != (ready && !held && thread != current_thread()) && !(put_off && !thread->in_queue))
        fail("a thread in state %u (held %d) is %s the run queue", thread->state, held, thread->in_queue ? "in" : "not in");
    bool first = thread->state == THREAD_STATE_WAITING && thread->waits_at && thread->waits_at->receiver == thread;
    if ((thread->in_queue || (thread->state == THREAD_STATE_WAITING && !first)) == list_is_empty(&thread->queue_link) && !ended)
        fail("a thread is in a list, or not, wrongly");
    if (thread->caller &&
        (thread->caller->request.origin != REQUEST_THREAD || thread->caller->request.cancelling || thread->serving))
        fail("a thread serves a caller that the fast path must not answer");
    if (!ended && !ready && thread->timer.linked &&
        !(thread->extras & EXTRA_TIMER)) // ready: it waits for its account's next period
        fail("a timer is not marked");
    if (thread->timer.linked && thread->state != THREAD_STATE_WAITING && thread->state != THREAD_STATE_CALLING &&
        !(put_off && !thread->in_queue && thread != current_thread()))
        fail("a thread in state %u has a timer", thread->state);
    const struct request *serving = thread_serving(thread);
    if (serving && (serving->server != thread || serving->state != REQUEST_SERVED || ended))
        fail("a thread serves what is not served by it");
    uint8_t effective = thread->priority;
    if (serving && serving->priority > effective)
        effective = serving->priority;
    if (!ended && thread->home && thread->home->queue.next != &thread->home->queue) {
        const struct request *waiting = CONTAINER_OF(thread->home->queue.next, struct request, link);
        effective = waiting->priority > effective ? waiting->priority : effective;
    }
    if (thread->home && thread->home->server != thread)
        fail("an endpoint's server is another");
    if (!ended && thread->effective != effective)
        fail("a thread's priority is %u, not %u", thread->effective, effective);
    if (!ended && thread->process->object.dying && !thread->process->object.reaping)
        fail("a thread of a process that was destroyed lives");
}

static void check_process(struct process *process) {
    struct tally *account = tally_of(process->object.account);
    uint32_t own = 0, pages = process->table.size / SLOTS_PER_PAGE;
    for (uint32_t i = 0; i < process->table.size; i++)
        check_slot(process, &process->table.slots[i], &own);
    if (own != process->own_capabilities)
        fail("a process has %u capabilities to itself, not %u", own, process->own_capabilities);
    account->charged += (pages + (pages != 0)) * PAGE_BYTES;
    check_space(process, account);
    tally_of(process)->references += !process->object.dying;
    if (list_is_empty(&process->link) != process->object.dying)
        fail("a process is in the list of all, or not, wrongly");
    if (list_length(&process->threads, "threads") != process->thread_count)
        fail("a process counts its threads wrongly");
    for (struct list *link = process->aside.next; link != &process->aside; link = link->next)
        if (CONTAINER_OF(link, struct request, link)->state != REQUEST_ASIDE)
            fail("a request is in the list of those put aside and is not");
    if (process->keeper)
        need(process->keeper, CAP_SESSION, "a process")->holds++;
    check_request(&process->exit_event, process->exit_event.state == REQUEST_IDLE, "an exit");
    tally_of(process)->references += process->exit_event.state != REQUEST_IDLE;
    if (!process->object.dying && !process->thread_count && process->object.capabilities == process->own_capabilities &&
        process->exit_event.state == REQUEST_IDLE)
        fail("a process lives that nobody can reach");
}

static void check_endpoint(struct endpoint *endpoint) {
    uint32_t unshown = 0, sessions = list_length(&endpoint->sessions, "sessions");
    if (list_length(&endpoint->queue, "requests") != endpoint->queued)
        fail("an endpoint counts its queue wrongly");
    if (endpoint->queued && endpoint_first_receiver(endpoint))
        fail("requests and receivers wait for each other");
    for (struct list *link = endpoint->receivers.next; link != &endpoint->receivers; link = link->next)
        if (CONTAINER_OF(link, struct thread, queue_link)->state != THREAD_STATE_WAITING)
            fail("a receiver does not wait");
    bool seen_unshown = false;
    for (struct list *link = endpoint->gone.next; link != &endpoint->gone; link = link->next) {
        bool shown = CONTAINER_OF(link, struct session, gone_link)->shown;
        unshown += !shown;
        if (shown && seen_unshown)
            fail("a session that was shown stands behind one that was not");
        seen_unshown = !shown;
    }
    unshown += endpoint->notification && endpoint->notification->bits;
    if (endpoint->notification && endpoint->notification->counted != !!endpoint->notification->bits)
        fail("a signal is counted wrongly");
    if (endpoint->receiver && (endpoint->receiver->state != THREAD_STATE_WAITING || endpoint->receiver->waits_at != endpoint))
        fail("the first receiver does not wait here");
    if (endpoint->events != unshown + list_length(&endpoint->cancelled, "cancellations") && !endpoint->object.dying)
        fail("an endpoint counts its events wrongly");
    if (endpoint->events && endpoint_first_receiver(endpoint))
        fail("events and receivers wait for each other");
    if (sessions > endpoint->session_count)
        fail("an endpoint has more sessions than it counts");
    if (endpoint->notification) {
        need(endpoint->notification, CAP_NOTIFICATION, "an endpoint")->references++;
        if (endpoint->notification->endpoint != endpoint)
            fail("a notification is bound elsewhere");
        if (endpoint->notification->bits && endpoint_first_receiver(endpoint))
            fail("signals and receivers wait for each other");
    }
}

static void check_object(struct object *object) {
    check_slab(object, object->account);
    if (object->account) {
        struct tally *account = need(object->account, CAP_ACCOUNT, "an object");
        account->references++;
    }
    if (object->kind == CAP_PROCESS) {
        check_process((struct process *)object);
    } else if (object->kind == CAP_THREAD) {
        check_thread((struct thread *)object);
    } else if (object->kind == CAP_ENDPOINT) {
        check_endpoint((struct endpoint *)object);
    } else if (object->kind == CAP_SESSION) {
        struct session *session = (struct session *)object;
        need(session->endpoint, CAP_ENDPOINT, "a session")->references++;
        tally_of(session)->references += !list_is_empty(&session->link);
    } else if (object->kind == CAP_CALL) {
        struct call *call = (struct call *)object;
        need(call->endpoint, CAP_ENDPOINT, "a call object")->references++;
        check_request(&call->request, call->request.state == REQUEST_IDLE, "a call object");
        if (call->request.state != REQUEST_IDLE)
            need(call->request.process, CAP_PROCESS, "a call object")->references++;
    } else if (object->kind == CAP_MEMORY) {
        struct memory *memory = (struct memory *)object;
        if (memory->pager)
            need(memory->pager, CAP_SESSION, "paged memory")->holds++;
        tally_of(object->account)->charged += memory->charged;
        check_memory(memory);
    } else if (object->kind == CAP_IRQ) {
        struct irq *irq = (struct irq *)object;
        if (irq->notification)
            need(irq->notification, CAP_NOTIFICATION, "an irq")->references++;
    }
}

// Slots are counted while processes are walked, so sessions are compared at the end.
static void check_counts(const struct tally *tally) {
    const struct object *object = tally->object;
    if (object->capabilities != tally->slots)
        fail("an object of kind %u is named by %u slots, and counts %u", object->kind, tally->slots, object->capabilities);
    if (object->references != tally->slots + tally->references)
        fail("an object of kind %u has %u references, and counts %u", object->kind, tally->slots + tally->references,
             object->references);
    if (object->references == 0 && !object->reaping)
        fail("an object of kind %u is forgotten", object->kind);
    if (object->kind == CAP_SESSION) {
        const struct session *session = (const struct session *)object;
        bool is_gone = !tally->slots && !tally->holds && !session->endpoint->object.dying && !list_is_empty(&session->link);
        if (session->holds != tally->holds)
            fail("a session is held %u times, and counts %u", tally->holds, session->holds);
        if (is_gone == list_is_empty(&session->gone_link) &&
            !session->endpoint->object.reaping) // which goes through them in steps
            fail("a session is gone, or not, and its endpoint knows otherwise");
    }
}

static void check_accounts(void) {
    for (uint32_t i = 0; i < machine_object_count; i++) {
        struct object *object = machine_objects[i];
        if (object->kind != CAP_ACCOUNT)
            continue;
        const struct account *account = (struct account *)object;
        uint64_t used = 0;
        for (uint32_t j = 0; j < machine_object_count; j++) {
            struct object *other = machine_objects[j];
            if (other->kind != CAP_ACCOUNT)
                continue;
            const struct account *inner = (struct account *)other;
            while (inner && inner != account)
                inner = inner->parent;
            if (inner)
                used += tally_of(other)->charged;
        }
        if (used != account->used || account->used > account->quota)
            fail("an account is charged %llu, and counts %llu of %llu", (unsigned long long)used,
                 (unsigned long long)account->used, (unsigned long long)account->quota);
    }
}

void invariants_check(struct account *root, struct process *held) {
    tally_all();
    while (seen_count)
        frame_users[frames_seen[--seen_count]] = 0;
    frames_used = 0;
    memset(slabs, 0, sizeof(slabs));
    tally_of(root)->references++;
    if (held)
        need(held, CAP_PROCESS, "the world")->references++;
    for (uint32_t i = 0; i < machine_object_count; i++)
        check_object(machine_objects[i]);
    for (uint32_t i = 0; i < machine_object_count; i++)
        check_counts(tally_of(machine_objects[i]));
    check_accounts();
    for (uint32_t i = 0; i < seen_count; i++)
        if (frame_is_shared((uint64_t)frames_seen[i] * PAGE_BYTES) != (frame_users[frames_seen[i]] > 1))
            fail("a frame has %u users, and counts otherwise", frame_users[frames_seen[i]]);
    uint64_t used = frames_used + machine_shares + machine_taken + machine_kernel_tables();
    uint64_t counted = (frame_total_bytes() - frame_free_bytes()) / PAGE_BYTES;
    if (used != counted)
        fail("%llu frames are in use, %llu counted", (unsigned long long)used, (unsigned long long)counted);
}
