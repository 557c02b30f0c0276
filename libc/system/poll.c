// poll: asks the files; if none is ready, each sets a bit of this process's notification when it becomes so. What a server
// lets stay (file.poll) is left there from one poll to the next, and a file is asked again only when its bit was set: so a loop
// over many sockets costs one call for each that is ready, not one for each; and none after a receive that left nothing. Where
// the bit serves one descriptor only, that was asked for input only and on which nobody waits, it is believed without a call.
// Invariant: a descriptor with poll_ticket whose generation is its bit's has nothing that it was asked for.
#include <poll.h>

#include "libc/internal/system.h"
#include "libc/system/layer.h"
#include "libipc/client/clock.h"

#define LONG_AGO 1 // a deadline that has passed: looks without waiting
enum { BITS = 64, STAYS_TOLD = 2 };
enum { TOLD = 1, READY = 2 }; // how far a descriptor is behind its bit when that was set once, and when it is to be asked

static uint64_t generations[BITS]; // of each bit: how often it was found set; it serves every 64th descriptor
static bool shared;                // by more than one at some time

static uint64_t interest_of(short events) {
    return (events & POLLIN ? READINESS_READ : 0) | (events & POLLOUT ? READINESS_WRITE : 0) |
           (events & POLLPRI ? READINESS_PRIORITY : 0);
}

static short events_of(uint64_t ready) {
    return (short)((ready & READINESS_READ ? POLLIN : 0) | (ready & READINESS_WRITE ? POLLOUT : 0) |
                   (ready & READINESS_PRIORITY ? POLLPRI : 0) | (ready & READINESS_ERROR ? POLLERR : 0) |
                   (ready & READINESS_HANG_UP ? POLLHUP : 0));
}

static uint64_t turn; // asking all is one; a descriptor may be in it twice, with other events

static error_t wait(cap_t notification, uint64_t deadline) {
    uint64_t bits = 0;
    error_t error = layer_wait(notification, deadline, &bits);
    for (; error == ERR_OK && bits != 0; bits &= bits - 1)
        generations[__builtin_ctzll(bits)]++;
    return error;
}

static bool is_quiet(const struct descriptor *descriptor, int fd, uint64_t interest) {
    return descriptor->poll_ticket != 0 && descriptor->poll_interest == interest &&
           descriptor->poll_generation == generations[fd % BITS];
}

static bool is_told(const struct descriptor *descriptor, int fd, uint64_t interest) {
    return descriptor->non_blocking && !shared && interest == READINESS_READ && descriptor->poll_interest == interest &&
           descriptor->poll_ticket != 0 && descriptor->poll_stays == STAYS_TOLD &&
           generations[fd % BITS] - descriptor->poll_generation == TOLD;
}

void layer_poll_received(int fd, uint64_t ready) {
    struct descriptor *descriptor;
    if (descriptor_get(fd, &descriptor) == ERR_OK && descriptor->poll_stays == STAYS_TOLD &&
        (ready & (descriptor->poll_interest | READINESS_ERROR | READINESS_HANG_UP)) == 0)
        descriptor->poll_generation = generations[fd % BITS];
}

// What has happened; `notification` 0: it is not to be told of more.
static short ask_one(struct descriptor *descriptor, int fd, short events, cap_t notification) {
    uint64_t ready = 0, ticket = 0, stays = 0, interest = interest_of(events);
    if (is_quiet(descriptor, fd, interest))
        return 0;
    if (is_told(descriptor, fd, interest)) {
        descriptor->poll_generation = generations[fd % BITS] - READY;
        return POLLIN;
    }
    shared = shared || fd >= BITS;
    error_t error;
    bool again;
    do { // once more where the server has lost what was to wait again
        uint64_t before = descriptor->poll_turn == turn ? 0 : descriptor->poll_ticket;
        again = before != 0 && descriptor->poll_stays == STAYS_TOLD; // for this interest, whatever it was
        error = file_poll(descriptor->file, interest, UINT64_C(1) << fd % BITS, before, again ? 0 : notification, &ready, &ticket,
                          &stays);
        descriptor->poll_ticket = ticket; // 0 if there was an error
        descriptor->poll_stays = stays;
    } while (again && (ticket | ready) == 0);
    descriptor->poll_interest = interest;
    descriptor->poll_generation = generations[fd % BITS] - (ready != 0 ? READY : 0);
    descriptor->poll_turn = turn;
    if (error != ERR_OK)
        return (short)(events & (POLLIN | POLLOUT)); // files without poll never wait
    return events_of(ready);
}

static size_t ask(struct pollfd *fds, nfds_t count, cap_t notification) {
    size_t ready_count = 0;
    turn++;
    for (nfds_t i = 0; i < count; i++) {
        struct descriptor *descriptor;
        fds[i].revents = 0;
        if (fds[i].fd < 0)
            continue;
        if (descriptor_get(fds[i].fd, &descriptor))
            fds[i].revents = POLLNVAL;
        else
            fds[i].revents = ask_one(descriptor, fds[i].fd, fds[i].events, notification);
        ready_count += fds[i].revents != 0;
    }
    return ready_count;
}

// Ends what can't stay; all of it where nothing came in time, so that a server that lost it is asked anew.
static void end(const struct pollfd *fds, nfds_t count, bool all) {
    for (nfds_t i = 0; i < count; i++) {
        struct descriptor *descriptor;
        if (descriptor_get(fds[i].fd, &descriptor) || descriptor->poll_ticket == 0 || (descriptor->poll_stays && !all))
            continue;
        (void)file_poll_end(descriptor->file, descriptor->poll_ticket);
        descriptor->poll_ticket = 0;
    }
}

error_t system_poll(struct pollfd *fds, nfds_t count, int timeout, size_t *ready) {
    uint64_t deadline = timeout > 0 ? clock_monotonic() + (uint64_t)timeout * 1000000 : 0;
    cap_t notification = 0;
    error_t error = layer_notification(&notification);
    if (!error)
        (void)wait(notification, LONG_AGO);
    while (!error) {
        *ready = ask(fds, count, timeout != 0 ? notification : 0);
        if (!*ready && timeout != 0)
            error = wait(notification, deadline);
        end(fds, count, error != ERR_OK);
        if (*ready || timeout == 0)
            return ERR_OK;
    }
    return error == ERR_DEADLINE ? ERR_OK : error; // nothing became ready in time: *ready is 0
}
