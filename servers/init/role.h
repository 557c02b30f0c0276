// Roles: what stays (account, process object with its table, endpoint, notification, state memory) and the actor that
// plays it for now. Invariant: a role that is RUNNING has exactly one actor; its slots in init's table stay for ever.
#pragma once

#include "libipc/protocols/service_server.h"
#include "servers/init/image.h"
#include "servers/init/manifest.h"
#include "servers/init/requests.h"

// What the last look at a role found (watch.c).
struct watch {
    uint64_t cpu_time, served_serial, served_count;
    uint64_t head_first, head_last; // the head of its queue was sent between these monotonic times; 0: the queue was empty
    uint32_t strikes;               // looks at which it did not move though somebody waits
    uint32_t busy;                  // looks at which it ran all the time
    uint32_t away;                  // looks in a row at which it slept outside its loop
    uint64_t loop_wait;             // where the loop's wait returns to
    cap_t ping;                     // session of init's own
    bool is_pinged, was_pinged;     // the latter: behind the last look
    bool ran_idly;                  // half of the time at least, and served nothing but the ping
    struct requests_watch requests;
};

// Looks at an actor that hands over, or reads what the one before handed over (watch.c).
struct giving {
    uint64_t messages;       // that it took and sent
    struct server_work asks; // through rings
    uint32_t looks, still;   // in all; in a row at which nothing had moved
};

// A request that was being served when an actor failed by itself.
struct blamed {
    uint64_t thread, count; // its number; 0: none
    uint32_t times;
};

struct role {
    const struct manifest_role *entry;
    struct image image;
    struct image previous;    // before a reload: comes back if the new one ends at once. template 0: none
    struct image failed;      // the new one that ended at once, for the report of its crash
    uint64_t reloaded_at;     // monotonic time; later by the time that the new one did nothing but run
    bool reloaded;            // the image is not the initrd's
    struct image next;        // the actor is asked to hand over to this one; template 0: it is not
    struct deferred reloader; // who asked for it
    cap_t records;            // what the last one that handed over left, a slot of the role's table; 0: nothing
    bool takes_over;          // the next actor gets them
    cap_t account, process, endpoint, notification, state, thread;
    uint32_t phase;  // enum service_state
    uint32_t cause;  // enum service_cause: of the last end
    uint32_t faults; // in a row, each within ten seconds of its start
    uint64_t restarts, started, ended, recovery_time, fault_address;
    uint64_t restart_at; // monotonic time of a delayed restart, 0: none
    // Of the actor's address space, for the next one if its memory is kept.
    cap_t startup_memory;
    uint64_t stack, startup, clock, message_page; // addresses
    struct watch watch;
    struct giving giving;
    struct blamed blamed;
    bool has_point;   // it was told to end at an event (service.point): no fault of its own
    bool has_memory;  // an actor's memory is there
    bool had_memory;  // the last actor was started with the memory of the one before, or will be
    bool fresh_text;  // the next one gets the program's text anew: the last failed by itself, and what is in memory may not be it
    bool refused;     // the actor said that it can't go on with it
    uint64_t hung_at; // monotonic time at which a request that it did not answer was found last; 0: never
    uint32_t hung_times; // in a row
};

extern struct role roles[MANIFEST_ROLES];
extern uint32_t role_count;

// Makes all roles of the manifest and fills their tables; `keeper` is init's endpoint, the badge of a role's keeper session is
// its index.
error_t roles_make(const struct manifest *manifest, cap_t keeper) MUST_USE;
// Starts an actor in a role that has none.
error_t role_start(struct role *role) MUST_USE;
// Ends the actor; the role stays.
void role_stop(struct role *role, uint32_t cause);
// The actor ended by itself or crashed: starts the next one, now or after a pause, or gives up.
void role_ended(struct role *role, uint32_t cause, uint64_t now);
// Asks the actor to hand over to another program; goes on in role_handed_over or role_keeps.
error_t role_hand_over(struct role *role, const struct image *next, uint64_t now) MUST_USE;
void role_handed_over(struct role *role, cap_t records, uint64_t now);
// It did not: goes on with the program and the memory that it has.
void role_keeps(struct role *role, error_t reason, uint64_t now);
// Starts roles whose pause is over; returns when the next pause ends, 0: none.
uint64_t roles_resume(uint64_t now);
struct role *role_find(const char *name);
// Its actor reads the records of the one before, and has not taken the role over yet. By the actor's own word.
bool role_is_taking(const struct role *role);
// Reads its actor's memory, living or dead. False: not all of it is there.
bool role_peek(const struct role *role, uint64_t address, void *to, uint64_t bytes);
