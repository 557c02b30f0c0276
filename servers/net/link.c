// Cards: the rings that are shared with a driver (libipc/protocols/nic.idl, libipc/transfer/nic_rings.h).
// Positions lie in kept memory, frames do not; what was pushed is shown with the commit (server_flush_rings).
// What came in is looked at by arrivals.c.
#include "servers/net/arrivals.h"
#include "servers/net/stack/socket.h"
#include "servers/net/state.h"

#include <stddef.h>
#include <string.h>

#include "drivers/framework/driver.h"
#include "drivers/framework/report.h"
#include "kernel/abi/capability.h"
#include "libipc/client/clock.h"
#include "libipc/client/slot.h"
#include "libipc/protocols/account.h"
#include "libipc/protocols/kernel.h"
#include "libipc/start/start.h"

enum { BUSY_TRIES = 20 };
_Static_assert((int)LINK_PIECES_MOST == (int)NIC_PIECES_MOST && (int)LINK_PAGE_BYTES == (int)NIC_PAGE_BYTES,
               "what a frame may be");
_Static_assert((int)FILE_BYTES_MOST == NIC_LOAN_PAGES * NIC_PAGE_BYTES, "what drivers take");
#define SMALL_MACHINE     (UINT64_C(32) << 20)
#define RETRY_NANOSECONDS UINT64_C(100000000)
#define PAUSE_NANOSECONDS UINT64_C(1000000)

static const char *const driver_names[] = {"nic.e1000", "nic.virtio_net"};

// --- sending
static void take_sent(struct link *link) {
    uint32_t sent = ring_drain(&link->rings.transmit.completions);
    if (sent == 0)
        return;
    link->completed += sent;
    link->used = true;
}

bool links_have_room(void) {
    bool room = false;
    for (uint32_t i = 0; i < LINKS_MAX && !room; i++)
        room = net.links[i].interface != NULL && net.links[i].sent - net.links[i].completed <= net.links[i].entries / 2;
    return room;
}

void links_watch(void) {
    for (uint32_t i = 0; i < LINKS_MAX; i++) {
        struct link *link = &net.links[i];
        if (link->interface == NULL || link->sent == link->completed || ring_sleep(&link->rings.transmit.completions))
            continue;
        error_t ignored = notification_signal(net.server.notification, UINT64_C(1) << link->bit); // some were sent meanwhile
        (void)ignored;
    }
}

// Each entry has a page, and behind the last page lie as many as a large frame may need: so it lies in one piece wherever it
// begins. The pages of the entries that it takes stay unused.
static uint8_t *room_to_send(struct link *link, uint32_t entries) {
    if (link->sent - link->completed + entries > link->entries)
        take_sent(link);
    if (link->sent - link->completed + entries > link->entries)
        return NULL;
    return link_send_room(link, link->sent);
}

static uint8_t *frame_begin(void *context) {
    return room_to_send(context, 1);
}

static uint8_t *frame_begin_large(void *context, uint32_t length) {
    struct link *link = context;
    uint32_t entries = (length + NIC_PAGE_BYTES - 1) / NIC_PAGE_BYTES;
    const struct link_tail *tail = &link->interface->tail;
    for (uint32_t i = 0; i < tail->count; i++)
        entries += piece_pages(&tail->pieces[i]);
    return room_to_send(link, entries);
}

static void leave_to_card(const struct link_sum *sum, struct nic_frame *entry) {
    if (sum->start == 0)
        return;
    net.stack.statistics.sums_left_to_card++;
    entry->flags |= NIC_FRAME_FLAG_CHECKSUM;
    entry->checksum_start = sum->start;
    entry->checksum_offset = sum->offset;
    if (sum->segment_size == 0)
        return;
    entry->flags |= NIC_FRAME_FLAG_SEGMENT;
    entry->segment_size = sum->segment_size;
    entry->header_length = (uint8_t)sum->header_length;
}

static void push(struct link *link, struct nic_frame *entry, bool more) {
    entry->flags |= more ? NIC_FRAME_FLAG_MORE : 0;
    if (ring_push(&link->rings.transmit.requests, entry) == ERR_OK)
        link->sent++;
    *entry = (struct nic_frame){0};
}

// A piece behind the frame's first memory, page by page: of a file as it is, else by way of the entries' own pages.
static void push_piece(struct link *link, const struct piece *piece, bool more) {
    const struct net_file *file = (const struct net_file *)piece->file;
    uint32_t offset = piece->offset;
    for (uint32_t done = 0, part; done < piece->length; done += part) {
        struct nic_frame entry = {0};
        if (file != NULL) {
            part = smaller(piece->length - done, NIC_PAGE_BYTES - offset % NIC_PAGE_BYTES);
            entry.offset = offset;
            entry.buffer = (uint8_t)file->buffer;
            offset += part;
        } else {
            part = smaller(piece->length - done, NIC_PAGE_BYTES);
            uint8_t *room = room_to_send(link, 1);
            memcpy(room, (const uint8_t *)piece->data + done, part);
            entry.offset = (uint32_t)(room - link->frames);
            entry.buffer = (uint8_t)link->buffer;
        }
        entry.length = (uint16_t)part;
        push(link, &entry, more || done + part < piece->length);
    }
}

static void frame_send(void *context, uint8_t *frame, uint32_t length) {
    struct link *link = context;
    const struct link_tail *tail = &link->interface->tail;
    struct nic_frame entry = {.offset = (uint32_t)(frame - link->frames)};
    if (length == 0)
        return;
    leave_to_card(&link->interface->sum, &entry);
    for (uint32_t part; length != 0; length -= part) {
        part = smaller(length, NIC_PAGE_BYTES);
        uint32_t offset = entry.offset;
        entry.length = (uint16_t)part;
        entry.buffer = (uint8_t)link->buffer;
        push(link, &entry, part < length || tail->count != 0);
        entry.offset = offset + part;
    }
    for (uint32_t i = 0; i < tail->count; i++)
        push_piece(link, &tail->pieces[i], i + 1 < tail->count);
    link->used = true;
}

static const struct link_ops link_ops = {
    .frame_begin = frame_begin, .frame_send = frame_send, .frame_begin_large = frame_begin_large};

// --- receiving
static void work(void *argument, uint32_t bit);

static void give_room(struct link *link) {
    struct nic_frame entry = {
        .offset = link->given % link->entries * NIC_ROOM_BYTES, .length = NIC_ROOM_BYTES, .buffer = (uint8_t)link->buffer};
    if (ring_push(&link->rings.receive.requests, &entry) == ERR_OK)
        link->given++;
    link->used = true;
}

static void link_changed(struct link *link, bool up) {
    struct text text = {0};
    text_add(&text, link->interface->name);
    text_add(&text, up ? ": the link is up" : ": no link: is the cable out?");
    if (link->interface->link != up)
        report(up ? REPORT_INFORMATION : REPORT_WARNING, &text);
    interface_set_link(link->interface, up);
    if (up)
        config_link_up(link->interface);
}

static void pause_ended(struct timer *timer) {
    struct link *link = (struct link *)(void *)((char *)timer - offsetof(struct link, pause));
    work(link, link->bit);
}

// A flood that only fills sockets: programs get time to read, and the card drops the rest, which costs nothing here.
static void pause(struct link *link) {
    timer_set(&link->pause, clock_monotonic() + PAUSE_NANOSECONDS, pause_ended);
}

// Room is reused in order, so the n-th request is always the same room, and lies in its place of the ring.
static void give_rooms(struct link *link, const struct arrivals *arrivals) {
    uint32_t rooms = arrivals->taken - link->taken;
    link->rings.receive.completions = arrivals->completions;
    if (rooms == 0)
        return;
    link->taken = arrivals->taken;
    link->used = true;
    if (ring_push_again(&link->rings.receive.requests, rooms) == ERR_OK)
        link->given += rooms;
}

// What is left of a class's credit since the batch began; stack->now is the same.
static void spend(enum admission_class class, uint32_t left) {
    uint32_t credit = admission_credit(&net.stack, class);
    if (left < credit)
        admission_spend(&net.stack, class, credit - left);
}

static void count_arrivals(struct interface *interface, const struct arrivals *arrivals) {
    struct stack_statistics *statistics = &net.stack.statistics;
    spend(ADMISSION_STRANGER, arrivals->strangers);
    spend(ADMISSION_FIRST_CALL, arrivals->first_calls);
    if (arrivals->refused != 0) {
        statistics->frames_refused += arrivals->refused;
        interface->statistics.dropped_in += arrivals->refused;
    }
    if (arrivals->damaged != 0)
        interface->statistics.dropped_in += arrivals->damaged;
    if (arrivals->answered == 0)
        return;
    net.stack.cookie_at = net.stack.now;
    statistics->tcp_cookies_sent += arrivals->answered;
    statistics->frames_in += arrivals->answered;
    statistics->frames_out += arrivals->answered;
    interface->statistics.frames_in += arrivals->answered;
    interface->statistics.frames_out += arrivals->answered;
}

// True: more lies there than a batch.
static bool take_batch(struct link *link) {
    struct arrivals arrivals = {.link = link,
                                .completions = link->rings.receive.completions,
                                .taken = link->taken,
                                .frames_left = LINK_BATCH,
                                .bytes_left = LINK_BATCH_BYTES,
                                .rooms_left = link->entries,
                                .strangers = admission_credit(&net.stack, ADMISSION_STRANGER),
                                .first_calls = admission_credit(&net.stack, ADMISSION_FIRST_CALL)};
    struct arrival arrival;
    bool more = true;
    while (more) {
        arrivals.requests = link->rings.transmit.requests;
        arrivals.sent = link->sent;
        more = arrivals_next(&arrivals, &arrival);
        if (arrivals.sent != link->sent) {
            link->rings.transmit.requests = arrivals.requests;
            link->sent = arrivals.sent;
            link->used = true;
        }
        if (!more)
            break;
        net.stack.sums_checked = arrival.sums_checked;
        net.stack.statistics.sums_checked_by_card += arrival.sums_checked;
        interface_input(link->interface, net.frame, arrival.length);
        net.stack.sums_checked = false;
    }
    give_rooms(link, &arrivals);
    count_arrivals(link->interface, &arrivals);
    return !arrivals.empty;
}

static void work(void *argument, uint32_t bit) {
    struct link *link = argument;
    (void)bit;
    if (link->interface == NULL || link->pause.armed)
        return; // who waits for room does so no longer than net's timer says
    net_begin();
    uint64_t full = net.stack.queues_full;
    take_sent(link);
    bool more = take_batch(link);
    uint32_t state = *(volatile uint32_t *)&link->rings.shared->link;
    if (state != link->link_seen) {
        link->link_seen = state;
        link_changed(link, nic_link_is_up(state));
    }
    net_end();
    if (more && net.stack.queues_full != full) {
        pause(link);
        return;
    }
    // More than a batch: the rest after the commit. Otherwise a signal is asked for.
    if (more || !ring_sleep(&link->rings.receive.completions)) {
        error_t ignored = notification_signal(net.server.notification, UINT64_C(1) << link->bit);
        (void)ignored;
    }
}

void links_flush(void) {
    for (uint32_t i = 0; i < LINKS_MAX; i++) {
        struct link *link = &net.links[i];
        if (!link->used)
            continue;
        link->used = false;
        struct nic_rings *rings = &link->rings;
        server_flush_rings(&rings->receive, &rings->receive.requests, &rings->receive.completions);
        server_flush_rings(&rings->transmit, &rings->transmit.requests, &rings->transmit.completions);
    }
}

void links_resumed(void) {
    for (uint32_t i = 0; i < LINKS_MAX; i++) {
        struct link *link = &net.links[i];
        link->used = link->interface != NULL;
        if (!link->used)
            continue;
        // The actor before may have shown a position and ended before it told of it.
        ring_pair_signal(&link->rings.receive);
        error_t ignored = notification_signal(net.server.notification, UINT64_C(1) << link->bit);
        (void)ignored;
    }
}

bool link_reads_files(const struct link *link) {
    return link->interface->fills_sums && link->entries == LINK_ENTRIES; // a frame takes several entries
}

void link_resume(struct link *link, struct interface *interface) {
    link->interface = interface;
    interface->ops = &link_ops;
    interface->context = link;
    server_on_bit(&net.server, link->bit, work, link);
}

// --- attaching
static error_t make_memory(uint64_t bytes, cap_t *memory, void **address) {
    error_t error = account_create_memory(SLOT_ACCOUNT, bytes, memory);
    return error != ERR_OK ? error : driver_map(*memory, bytes, address);
}

static uint32_t entries_for_this_machine(void) {
    struct kernel_information information;
    return kernel_information(SLOT_KERNEL, &information) == ERR_OK && information.free_bytes < SMALL_MACHINE ? LINK_ENTRIES_SMALL
                                                                                                             : LINK_ENTRIES;
}

uint64_t link_frame_bytes(uint32_t entries) {
    return entries * (uint64_t)(NIC_ROOM_BYTES + NIC_PAGE_BYTES) + (entries == LINK_ENTRIES ? LINK_LARGE_MOST : 0);
}

static error_t attach(struct link *link) {
    struct nic_layout layout = nic_layout(link->entries);
    cap_t rings = 0, frames = 0, peer;
    uint64_t bits, buffer;
    void *address, *shared = NULL;
    error_t error = make_memory(layout.bytes, &rings, &address);
    if (error == ERR_OK)
        shared = address;
    if (error == ERR_OK)
        error = nic_rings_attach_client(&link->rings, address, layout.bytes, link->entries);
    if (error == ERR_OK)
        error = nic_attach_rings(link->session, link->entries, UINT64_C(1) << link->bit, rings, net.server.notification, &bits,
                                 &peer);
    if (error == ERR_OK) {
        link->rings.receive.peer = link->rings.transmit.peer = peer;
        link->rings.receive.peer_bits = link->rings.transmit.peer_bits = bits;
        error = make_memory(link_frame_bytes(link->entries), &frames, &address);
    }
    if (error == ERR_OK) {
        link->frames = address;
        error = nic_attach_buffer(link->session, frames, &buffer);
    }
    if (error != ERR_OK) {
        slot_release(rings);
        slot_release(frames);
        error_t ignored = shared != NULL ? server_unmap(shared, layout.bytes) : ERR_OK;
        (void)ignored;
        return error;
    }
    link->buffer = (uint32_t)buffer;
    link->rings_memory = rings;
    link->frames_memory = frames;
    error = nic_set_filter(link->session, NIC_FILTER_ALL_MULTICAST, NULL, 0);
    return error;
}

static error_t open_card(struct link *link, cap_t driver, const struct nic_status *status) {
    char name[INTERFACE_NAME_BYTES] = "eth0";
    name[3] = (char)('0' + (link - net.links));
    link->entries = entries_for_this_machine();
    error_t error = nic_open(driver, status->unit, &link->session);
    if (error == ERR_OK)
        error = attach(link);
    if (error != ERR_OK)
        return error;
    net_begin();
    error =
        interface_add(&net.stack, name, status->address, smaller(status->mtu, ETHERNET_MTU), &link_ops, link, &link->interface);
    if (error != ERR_OK)
        return error;
    for (uint32_t i = 0; i < link->entries; i++)
        give_room(link);
    link->interface->autoconfigure = true;
    bool sums = (status->features & NIC_FEATURE_CHECKSUM_SEND) != 0;
    link->prefix = (status->features & NIC_FEATURE_PREFIX) != 0;
    link->interface->fills_sums = sums;
    link->interface->reads_files = link_reads_files(link);
    link->interface->cuts = sums && (status->features & NIC_FEATURE_SEGMENT) != 0 && link->entries == LINK_ENTRIES; // room for it
    link->interface->cuts_whole = (status->features & NIC_FEATURE_SEGMENT_WHOLE) != 0;
    link->link_seen = *(volatile uint32_t *)&link->rings.shared->link;
    interface_set_link(link->interface, nic_link_is_up(link->link_seen));
    config_interface(link->interface);
    net_end();
    server_on_bit(&net.server, link->bit, work, link);
    work(link, link->bit);
    return ERR_OK;
}

// On a fiber of its own: a driver that has no card, or is not there, holds nobody up.
static void attach_driver(void *argument) {
    const char *name = argument;
    cap_t driver = startup_capability(name);
    struct nic_status status;
    uint64_t cursor = 0;
    error_t error;
    while ((error = nic_next_unit(driver, cursor, &cursor, &status)) == ERR_OK) {
        struct link *link = NULL;
        for (uint32_t i = 0; i < LINKS_MAX && link == NULL; i++)
            if (net.links[i].bit == 0) {
                link = &net.links[i];
                link->bit = BIT_LINK + i;
            }
        error = link != NULL ? open_card(link, driver, &status) : ERR_NO_SPACE;
        for (int tries = 0; error == ERR_BUSY && tries < BUSY_TRIES; tries++) { // an earlier client's session is still ending
            slot_release(link->session);
            error = fiber_sleep_until(clock_monotonic() + RETRY_NANOSECONDS);
            if (error == ERR_OK)
                error = open_card(link, driver, &status);
        }
        if (error != ERR_OK)
            report_failure("a card can't be used", error);
    }
    net.attaching--;
    fiber_wake_all(&net.settling);
}

void links_start(void) {
    for (uint32_t i = 0; i < sizeof(driver_names) / sizeof(driver_names[0]); i++)
        if (startup_capability(driver_names[i]) != 0) {
            if (fiber_start(attach_driver, (void *)(uintptr_t)driver_names[i]) == ERR_OK) // NOLINT
                net.attaching++;
        }
}
