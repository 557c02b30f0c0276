// A card's rings as a record for another build (libipc/server/handover.h): the memory and the session stay as they are, so that
// the driver notices nothing, and no frame is lost. Positions lie in the rings (libipc/transfer/ring.h).
#include "drivers/framework/driver.h"
#include "kernel/abi/capability.h"
#include "servers/net/handover.h"

enum { CLASS_LINK = NET_CLASS_LINK, VERSION = 1 };

struct link_record {                       // under its interface's index
    uint64_t session, rings, frames, peer; // slots
    uint64_t peer_bits;
    uint32_t entries, buffer, link_seen, bit;
    uint8_t prefix, fills_sums, cuts, cuts_whole, padding[4];
};

error_t links_give(struct handover *handover) {
    error_t error = ERR_OK;
    for (uint32_t i = 0; i < LINKS_MAX && error == ERR_OK; i++) {
        const struct link *link = &net.links[i];
        if (link->interface == NULL)
            continue;
        const struct link_record record = {
            .session = link->session,
            .rings = link->rings_memory,
            .frames = link->frames_memory,
            .peer = link->rings.receive.peer,
            .peer_bits = link->rings.receive.peer_bits,
            .entries = link->entries,
            .buffer = link->buffer,
            .link_seen = link->link_seen,
            .bit = link->bit,
            .prefix = link->prefix,
            .fills_sums = link->interface->fills_sums,
            .cuts = link->interface->cuts,
            .cuts_whole = link->interface->cuts_whole,
        };
        error = handover_put(handover, CLASS_LINK, VERSION, link->interface->index, &record, sizeof(record));
    }
    return error;
}

static error_t map(struct link *link) {
    struct nic_layout layout = nic_layout(link->entries);
    void *rings, *frames;
    if (layout.bytes == 0)
        return ERR_CORRUPT;
    error_t error = driver_map(link->rings_memory, layout.bytes, &rings);
    if (error == ERR_OK)
        error = driver_map(link->frames_memory, link_frame_bytes(link->entries), &frames);
    if (error == ERR_OK)
        error = nic_rings_attach_client(&link->rings, rings, layout.bytes, link->entries);
    if (error != ERR_OK)
        return error;
    link->frames = frames;
    link->given = link->rings.receive.requests.position;
    link->taken = link->rings.receive.completions.position;
    link->sent = link->rings.transmit.requests.position;
    link->completed = link->rings.transmit.completions.position;
    return link->given - link->taken <= link->entries && link->sent - link->completed <= link->entries ? ERR_OK : ERR_CORRUPT;
}

static error_t take(struct interface *interface, const struct link_record *record) {
    struct link *link = &net.links[record->bit - BIT_LINK];
    if (link->interface != NULL)
        return ERR_CORRUPT;
    link->session = (cap_t)record->session;
    link->rings_memory = (cap_t)record->rings;
    link->frames_memory = (cap_t)record->frames;
    link->entries = record->entries;
    link->buffer = record->buffer;
    link->link_seen = record->link_seen;
    link->bit = record->bit;
    link->prefix = record->prefix;
    handover_claim(link->session);
    handover_claim(link->rings_memory);
    handover_claim(link->frames_memory);
    handover_claim((cap_t)record->peer);
    error_t error = map(link);
    link->rings.receive.peer = link->rings.transmit.peer = (cap_t)record->peer;
    link->rings.receive.peer_bits = link->rings.transmit.peer_bits = record->peer_bits;
    interface->fills_sums = record->fills_sums;
    interface->cuts = record->cuts;
    interface->cuts_whole = record->cuts_whole;
    if (error == ERR_OK)
        link_resume(link, interface);
    if (error == ERR_OK)
        interface->reads_files = link_reads_files(link);
    return error;
}

error_t link_take(const struct handover *handover, struct interface *interface) {
    struct handover_view view = {0};
    struct link_record record;
    while (handover_next(handover, CLASS_LINK, &view) == ERR_OK) {
        if (view.view.key != interface->index)
            continue;
        error_t error = handover_read(&view, VERSION, &record, sizeof(record));
        if (error != ERR_OK)
            return error;
        return record.bit - BIT_LINK < LINKS_MAX ? take(interface, &record) : ERR_CORRUPT;
    }
    return ERR_CORRUPT; // an interface without a card
}
