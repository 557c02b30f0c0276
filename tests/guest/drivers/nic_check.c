// A role that tries a network driver from the other side: it attaches to the driver's first card and does
// what frames of the test's own type tell it to, by their first byte behind the header: "e" send it back, "k"
// the same after the driver was killed, "c" send back the IPv4 packet in it with its sum filled in by the
// card, "s" the same as a large segment that the card cuts up, "l" send it back out of memory that is lent for this frame alone,
// "m" the same after the driver was killed, "h" try wrong descriptors and loans, "q" end. What it found is said in the log.
#include <stddef.h>

#include "drivers/framework/driver.h"
#include "drivers/framework/report.h"
#include "kernel/abi/capability.h"
#include "libipc/client/slot.h"
#include "libipc/protocols/account.h"
#include "libipc/protocols/memory.h"
#include "libipc/protocols/nic.h"
#include "libipc/protocols/service.h"
#include "libipc/start/start.h"
#include "libipc/transfer/nic_rings.h"

enum {
    ENTRIES = 128,
    SEND_OFFSET = ENTRIES * NIC_ROOM_BYTES, // headers of frames to send, then a pattern
    HEADER_STRIDE = 128,
    PATTERN_OFFSET = SEND_OFFSET + ENTRIES * HEADER_STRIDE,
    PATTERN_BYTES = 8192,
    BUFFER_BYTES = PATTERN_OFFSET + PATTERN_BYTES,
    PACKET_OFFSET = 16, // of the IPv4 packet in a frame
    IP_BYTES = 20,
    TCP_BYTES = 20,
    SEGMENT_BYTES = 6000,
    SEGMENT_SIZE = 1400,
    NO_ROOM = ENTRIES,
    LENT_OFFSET = 3800, // so that a frame lies in two pages
};

static struct nic_rings rings;
static cap_t driver, session, notification, service;
static const char *role;
static unsigned char *buffer;
static uint32_t buffer_id, link_seen;
static uint32_t features;             // of the card
static uint32_t rooms[ENTRIES];       // by position of the receive ring: which room it is
static uint32_t rooms_of_ring, taken; // positions
static uint32_t sends[ENTRIES];       // by position of the ring to send: the room to give back when it is done
static uint32_t sent, completed;
static uint32_t echoed, kills, send_errors, damaged;

static void give_room(uint32_t room) {
    struct nic_frame frame = {.offset = room * NIC_ROOM_BYTES, .length = NIC_ROOM_BYTES, .buffer = (uint8_t)buffer_id};
    if (room == NO_ROOM)
        return;
    if (ring_push(&rings.receive.requests, &frame) != ERR_OK)
        report_line(REPORT_ERROR, "no place for room");
    rooms[rooms_of_ring++ % ENTRIES] = room;
}

static bool push(const struct nic_frame *frame, uint32_t room) {
    if (sent - completed == ENTRIES || ring_push(&rings.transmit.requests, frame) != ERR_OK)
        return false;
    sends[sent++ % ENTRIES] = room;
    return true;
}

static void take_sent(void) {
    struct nic_done done;
    while (ring_pop(&rings.transmit.completions, &done) == ERR_OK) {
        send_errors += (done.flags & NIC_DONE_FLAG_ERROR) != 0;
        give_room(sends[completed++ % ENTRIES]);
    }
}

static void flush(void) {
    ring_pair_flush_client(&rings.receive);
    ring_pair_flush_client(&rings.transmit);
}

static void sleep_once(void) {
    bool quiet = ring_sleep(&rings.receive.completions);
    quiet = ring_sleep(&rings.transmit.completions) && quiet;
    if (!quiet)
        return;
    struct ipc_registers registers = {.target = notification};
    error_t ignored = system_call(SYS_WAIT, &registers);
    (void)ignored;
}

// The header of a frame back to where `frame` came from, at a place of its own.
static uint32_t header_back(const unsigned char *frame, uint32_t type) {
    uint32_t offset = SEND_OFFSET + sent % ENTRIES * HEADER_STRIDE;
    unsigned char *header = buffer + offset;
    __builtin_memcpy(header, frame + 6, 6);
    __builtin_memcpy(header + 6, frame, 6);
    header[12] = (unsigned char)(type >> 8);
    header[13] = (unsigned char)type;
    return offset;
}

static void await_places(uint32_t entries) {
    while (sent - completed > ENTRIES - entries) {
        flush();
        sleep_once();
        take_sent();
    }
}

// Sends bytes of a received frame back, from where they lie.
static void send_back(uint32_t room, uint32_t skip, uint32_t length, uint32_t type, struct nic_frame options) {
    await_places(2);
    options.offset = header_back(buffer + room * NIC_ROOM_BYTES, type);
    options.length = NIC_HEADER_BYTES;
    options.flags |= NIC_FRAME_FLAG_MORE;
    options.buffer = (uint8_t)buffer_id;
    struct nic_frame rest = {
        .offset = room * NIC_ROOM_BYTES + skip, .length = (uint16_t)(length - skip), .buffer = (uint8_t)buffer_id};
    if (!push(&options, NO_ROOM) || !push(&rest, room))
        report_line(REPORT_ERROR, "no place to send");
    echoed++;
}

// Without what the frame was padded with: a card may take it for the packet's (QEMU's 82574L does).
static void send_checksum(uint32_t room, uint32_t length) {
    const unsigned char *packet = buffer + room * NIC_ROOM_BYTES + PACKET_OFFSET;
    uint32_t total = (uint32_t)packet[2] << 8 | packet[3];
    bool is_tcp = packet[9] == 6;
    send_back(room, PACKET_OFFSET, PACKET_OFFSET + total < length ? PACKET_OFFSET + total : length, 0x0800,
              (struct nic_frame){.flags = NIC_FRAME_FLAG_CHECKSUM,
                                 .checksum_start = NIC_HEADER_BYTES + IP_BYTES,
                                 .checksum_offset = is_tcp ? 16 : 6});
}

// The headers of the packet in the frame, then bytes of the pattern: more than fits into one frame.
static void send_segment(uint32_t room) {
    uint32_t headers = IP_BYTES + TCP_BYTES;
    uint32_t offset = header_back(buffer + room * NIC_ROOM_BYTES, 0x0800);
    __builtin_memcpy(buffer + offset + NIC_HEADER_BYTES, buffer + room * NIC_ROOM_BYTES + PACKET_OFFSET, headers);
    struct nic_frame frame = {.offset = offset,
                              .length = (uint16_t)(NIC_HEADER_BYTES + headers),
                              .flags = NIC_FRAME_FLAG_MORE | NIC_FRAME_FLAG_CHECKSUM | NIC_FRAME_FLAG_SEGMENT,
                              .buffer = (uint8_t)buffer_id,
                              .header_length = (uint8_t)(NIC_HEADER_BYTES + headers),
                              .checksum_start = NIC_HEADER_BYTES + IP_BYTES,
                              .checksum_offset = 16,
                              .segment_size = SEGMENT_SIZE};
    bool good = push(&frame, room);
    for (uint32_t at = 0; at < SEGMENT_BYTES; at += NIC_PAGE_BYTES) {
        uint32_t left = SEGMENT_BYTES - at;
        bool last = left <= NIC_PAGE_BYTES;
        struct nic_frame piece = {.offset = PATTERN_OFFSET + at,
                                  .length = (uint16_t)(last ? left : NIC_PAGE_BYTES),
                                  .flags = last ? 0 : NIC_FRAME_FLAG_MORE,
                                  .buffer = (uint8_t)buffer_id};
        good = push(&piece, NO_ROOM) && good;
    }
    if (!good)
        report_line(REPORT_ERROR, "no place to send a segment");
}

// Bytes of a received frame out of memory that the driver is told to let go of before it can have sent them.
static void send_lent(uint32_t room, uint32_t length, bool kill) {
    unsigned char *frame = buffer + room * NIC_ROOM_BYTES;
    uint64_t id = 0, moved;
    cap_t memory;
    await_places(3);
    error_t error = account_create_memory(SLOT_ACCOUNT, (uint64_t)2 * NIC_PAGE_BYTES, &memory);
    if (error == ERR_OK)
        error = memory_write(memory, LENT_OFFSET, frame + NIC_HEADER_BYTES, length - NIC_HEADER_BYTES, &moved);
    while (error == ERR_OK && (error = nic_attach_pages(session, memory, &id)) == ERR_NO_MEMORY) {
        flush(); // of those before some are still to be sent
        sleep_once();
        take_sent();
        error = ERR_OK;
    }
    struct nic_frame head = {.offset = header_back(frame, 0x88b5),
                             .length = NIC_HEADER_BYTES,
                             .flags = NIC_FRAME_FLAG_MORE,
                             .buffer = (uint8_t)buffer_id};
    uint32_t first = NIC_PAGE_BYTES - LENT_OFFSET, rest = length - NIC_HEADER_BYTES;
    first = first < rest ? first : rest;
    struct nic_frame one = {.offset = LENT_OFFSET, .length = (uint16_t)first, .buffer = (uint8_t)id};
    struct nic_frame two = {.offset = NIC_PAGE_BYTES, .length = (uint16_t)(rest - first), .buffer = (uint8_t)id};
    one.flags = first < rest ? NIC_FRAME_FLAG_MORE : 0;
    bool good = error == ERR_OK && push(&head, NO_ROOM) && push(&one, room) && (first == rest || push(&two, NO_ROOM));
    flush();
    if (kill && service_kill(service, role, __builtin_strlen(role)) == ERR_OK)
        kills++;
    if (!good || nic_detach_pages(session, id) != ERR_OK)
        report_line(REPORT_ERROR, "no place to send what is lent");
    slot_release(memory);
    echoed++;
}

static uint64_t attach_error(cap_t memory) {
    uint64_t id;
    error_t error = nic_attach_pages(session, memory, &id);
    slot_release(memory);
    return (uint64_t)-error;
}

// Memory that can't be lent, and loans that are no more.
static uint32_t lend_wrong(struct nic_frame wrong[3]) {
    cap_t memory = 0, weak = 0, paged = 0;
    uint64_t ids[NIC_LOANS_MOST], more;
    uint32_t good = 0;
    error_t error = account_create_memory(SLOT_ACCOUNT, (uint64_t)(NIC_LOAN_PAGES + 1) * NIC_PAGE_BYTES, &memory);
    report_numbers("too long: error ", attach_error(memory), " of ", (uint64_t)-ERR_INVALID);
    if (error == ERR_OK)
        error = account_create_memory(SLOT_ACCOUNT, NIC_PAGE_BYTES, &memory);
    if (error == ERR_OK)
        error = slot_duplicate(memory, RIGHT_READ | RIGHT_COPY | RIGHT_INSPECT, &weak);
    report_numbers("not for devices: error ", attach_error(weak), " of ", (uint64_t)-ERR_RIGHTS);
    if (error == ERR_OK)
        error = slot_duplicate(memory, RIGHT_DMA | RIGHT_COPY | RIGHT_INSPECT, &weak);
    report_numbers("not to be read: error ", attach_error(weak), " of ", (uint64_t)-ERR_RIGHTS);
    if (error == ERR_OK)
        error = account_create_paged(SLOT_ACCOUNT, NIC_PAGE_BYTES, session, &paged);
    report_numbers("without its pages: error ", attach_error(paged), " of ", (uint64_t)-ERR_INVALID);
    for (uint32_t i = 0; i < NIC_LOANS_MOST; i++)
        good += nic_attach_pages(session, memory, &ids[i]) == ERR_OK;
    error = nic_attach_pages(session, memory, &more);
    report_numbers("loans ", good, " of ", NIC_LOANS_MOST);
    report_numbers("one more: error ", (uint64_t)-error, " of ", (uint64_t)-ERR_NO_MEMORY);
    wrong[0] = (struct nic_frame){.offset = NIC_PAGE_BYTES, .length = 60, .buffer = (uint8_t)ids[0]};
    wrong[1] = (struct nic_frame){.offset = NIC_PAGE_BYTES - 30, .length = 60, .buffer = (uint8_t)ids[0]};
    wrong[2] = (struct nic_frame){.length = 60, .buffer = (uint8_t)ids[1]};
    for (uint32_t i = 1; i < NIC_LOANS_MOST; i++)
        good -= nic_detach_pages(session, ids[i]) == ERR_OK;
    error = nic_detach_pages(session, ids[1]); // once more, and one that never was
    if (error != ERR_OK || nic_detach_pages(session, ids[0] + 4096) != ERR_OK || good != 1)
        report_line(REPORT_ERROR, "what was lent is not given back");
    slot_release(memory);
    return 3;
}

static void send_wrong(void) {
    struct nic_frame lent[3];
    uint32_t lent_count = lend_wrong(lent);
    uint8_t id = (uint8_t)buffer_id;
    const struct nic_frame wrong[] = {
        {.offset = SEND_OFFSET, .length = 60, .buffer = 0},
        {.offset = SEND_OFFSET, .length = 60, .buffer = 9},
        {.offset = SEND_OFFSET, .length = 0, .buffer = id},
        {.offset = SEND_OFFSET, .length = 13, .buffer = id},
        {.offset = BUFFER_BYTES, .length = 60, .buffer = id},
        {.offset = UINT32_MAX - 20, .length = 60, .buffer = id},
        {.offset = 4090, .length = 60, .buffer = id},
        {.offset = 0, .length = 1515, .buffer = id},
        {.offset = 0, .length = 60, .buffer = id, .flags = 0x80},
        {.offset = 0, .length = 60, .buffer = id, .flags = NIC_FRAME_FLAG_SEGMENT},
        {.offset = 0, .length = 60, .buffer = id, .flags = NIC_FRAME_FLAG_CHECKSUM, .checksum_start = 59},
        {.offset = 0, .length = 60, .buffer = id, .flags = NIC_FRAME_FLAG_CHECKSUM, .checksum_start = 4},
    };
    uint32_t count = sizeof(wrong) / sizeof(wrong[0]), before = send_errors;
    for (uint32_t i = 0; i < count; i++)
        (void)push(&wrong[i], NO_ROOM);
    for (uint32_t i = 0; i < lent_count; i++)
        (void)push(&lent[i], NO_ROOM);
    count += lent_count;
    flush();
    while (completed != sent) {
        sleep_once();
        take_sent();
    }
    report_numbers("wrong descriptors: ", count, " refused ", send_errors - before);
}

static void finish(void) {
    struct nic_statistics counts;
    while (completed != sent) {
        flush();
        sleep_once();
        take_sent();
    }
    if (nic_statistics(session, &counts) == ERR_OK) {
        report_numbers("received ", counts.received_frames, " sent ", counts.sent_frames);
        report_numbers("interrupts ", counts.interrupts, " signals ", counts.signals);
        report_numbers("resets ", counts.resets, " link changes ", counts.link_changes);
    }
    report_numbers("echoed ", echoed, " kills ", kills);
    report_numbers("damaged ", damaged, " send errors ", send_errors);
}

static error_t attach(void) {
    struct nic_layout layout = nic_layout(ENTRIES);
    uint64_t bits, id;
    cap_t memory, frames, server;
    void *address;
    rings = (struct nic_rings){0};
    error_t error = nic_open(driver, 1, &session);
    if (error == ERR_OK)
        error = account_create_memory(SLOT_ACCOUNT, layout.bytes, &memory);
    if (error == ERR_OK)
        error = driver_map(memory, layout.bytes, &address);
    if (error == ERR_OK)
        error = nic_rings_attach_client(&rings, address, layout.bytes, ENTRIES);
    if (error == ERR_OK)
        error = nic_attach_rings(session, ENTRIES, 1, memory, notification, &bits, &server);
    if (error != ERR_OK)
        return error;
    struct nic_status status;
    error = nic_status(session, &status);
    if (error != ERR_OK)
        return error;
    features = status.features;
    rings.receive.peer = rings.transmit.peer = server;
    rings.receive.peer_bits = rings.transmit.peer_bits = bits;
    uint64_t bytes = (BUFFER_BYTES + NIC_PAGE_BYTES - 1) / NIC_PAGE_BYTES * NIC_PAGE_BYTES;
    error = account_create_memory(SLOT_ACCOUNT, bytes, &frames);
    if (error == ERR_OK)
        error = driver_map(frames, bytes, &address);
    if (error == ERR_OK)
        error = nic_attach_buffer(session, frames, &id);
    slot_release(memory);
    slot_release(frames);
    if (error != ERR_OK)
        return error;
    buffer = address;
    buffer_id = (uint32_t)id;
    for (uint32_t i = 0; i < PATTERN_BYTES; i++)
        buffer[PATTERN_OFFSET + i] = (unsigned char)(i * 7);
    taken = rooms_of_ring = sent = completed = 0;
    for (uint32_t room = 0; room < ENTRIES; room++)
        give_room(room);
    flush();
    return ERR_OK;
}

// A second client waits for the first to end; then one that lies about its position.
static void change_clients(void) {
    cap_t first = session;
    struct nic_rings before = rings;
    error_t error = attach();
    report_numbers("second client while the first is there: error ", (uint64_t)-error, " of ", 1);
    slot_release(session);
    session = first;
    rings = before;
    slot_release(rings.receive.peer);
    slot_release(session);
    error = attach();
    report_numbers("client after the first: error ", (uint64_t)-error, " of ", 0);
    struct nic_done done;
    while (ring_pop(&rings.receive.completions, &done) == ERR_OK)
        taken++;
    rings.receive.completions.shared->consumed += 2 * ENTRIES;
    (void)notification_signal(rings.receive.peer, rings.receive.peer_bits);
    struct nic_statistics counts;
    error = nic_statistics(session, &counts);
    report_numbers("the driver after that: error ", (uint64_t)-error, " of ", 0);
}

// False: the test is over.
static bool obey(uint32_t room, uint32_t length) {
    const unsigned char *frame = buffer + room * NIC_ROOM_BYTES;
    if (length < 60 || frame[12] != 0x88 || frame[13] != 0xb5) {
        give_room(room);
        return true;
    }
    switch (frame[14]) {
    case 'k':
        if (service_kill(service, role, __builtin_strlen(role)) == ERR_OK)
            kills++;
        send_back(room, NIC_HEADER_BYTES, length, 0x88b5, (struct nic_frame){0});
        return true;
    case 'l':
    case 'm':
        send_lent(room, length, frame[14] == 'm');
        return true;
    case 'c':
        send_checksum(room, length);
        return true;
    case 's':
        send_segment(room);
        return true;
    case 'h':
        send_wrong();
        send_back(room, NIC_HEADER_BYTES, length, 0x88b5, (struct nic_frame){0});
        return true;
    case 'q':
        give_room(room);
        return false;
    default:
        send_back(room, NIC_HEADER_BYTES, length, 0x88b5, (struct nic_frame){0});
        return true;
    }
}

// What a card puts before frames goes: they begin where the room does.
static uint32_t frame_move(uint32_t room, uint32_t length) {
    unsigned char *start = buffer + room * NIC_ROOM_BYTES;
    uint32_t prefix = (features & NIC_FEATURE_PREFIX) != 0 ? sizeof(struct nic_prefix) : 0;
    if (length < prefix)
        return 0;
    __builtin_memmove(start, start + prefix, length - prefix);
    return length - prefix;
}

static void serve(void) {
    for (;;) {
        struct nic_done done;
        take_sent();
        while (ring_pop(&rings.receive.completions, &done) == ERR_OK) {
            uint32_t room = rooms[taken++ % ENTRIES];
            if ((done.flags & (NIC_DONE_FLAG_ERROR | NIC_DONE_FLAG_CHECKSUM_BAD)) != 0) {
                damaged++;
                give_room(room);
            } else if (!obey(room, frame_move(room, done.length))) {
                return;
            }
        }
        if (rings.shared->link != link_seen) {
            link_seen = rings.shared->link;
            report_numbers("link is ", link_seen & 1, " after changes ", link_seen >> 1);
        }
        flush();
        sleep_once();
    }
}

int server_main(const struct startup *startup);

int server_main(const struct startup *startup) {
    report_set_name(startup->name);
    notification = startup_capability("notification");
    driver = startup_capability("nic");
    service = startup_capability("service");
    role = startup_argument(1);
    struct nic_status status;
    uint64_t id = 0;
    while (nic_next_unit(driver, id, &id, &status) == ERR_OK) {
        struct text text = {0};
        text_add(&text, "unit ");
        text_add_bytes(&text, (const char *)status.name, sizeof(status.name));
        text_add(&text, " features ");
        text_add_hex(&text, status.features, 1);
        text_add(&text, " address ");
        for (uint32_t i = 0; i < 6; i++)
            text_add_hex(&text, status.address[i], 2);
        report(REPORT_INFORMATION, &text);
    }
    error_t error = attach();
    if (error != ERR_OK) {
        report_failure("the card can't be attached to", error);
    } else {
        report_line(REPORT_INFORMATION, "ready");
        serve();
        finish();
        change_clients();
    }
    report_line(REPORT_INFORMATION, "end");
    for (;;)
        sleep_once();
}
