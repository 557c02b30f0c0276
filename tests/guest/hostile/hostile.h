// What the hostile peers share. An attack runs in a process of its own (a clone of this program, with an
// account and sessions of the same servers as the honest client) until it is ended from outside; meanwhile
// the honest client works. main.c runs and judges them; attack_*.c hold them. Actors are those of the
// kernel's tests (tests/kernel/actor.c).
#pragma once

#include "tests/kernel/harness.h"

enum { PRIORITY = 20, SIDE_STACK_BYTES = 8192, LOW_PRIORITY = 5 };

struct attack {
    const char *name;
    void (*run)(struct actor *actor);
    bool ends;      // it is over when its work is done; the others go on until they are ended
    uint64_t pause; // nanoseconds that the honest client sleeps after each operation: others get their chance
};

extern const struct attack message_attacks[], memory_attacks[], ring_attacks[], object_attacks[];

// Servers that mean harm, and an honest client that calls them: cases of their own, in attack_servers.c.
void hostile_servers(void);
// An attacker, ready to go: an actor with an account of its own and the sessions.
struct actor *attacker_new(void (*run)(struct actor *actor), cap_t *account);

// Sessions, in the same slots of every attacker.
extern cap_t root, terminal, task, block, service;
extern const cap_t *const everyone[]; // all of them; ends with NULL
extern uint64_t object_tries;         // of each kind

// Counts a step of the attack: one that makes none has not been tried.
void progress(void);
uint64_t random_word(void);

// Opens a file of the honest client's disk.
error_t open_file(const char *path, uint64_t flags, cap_t *file);
// A session that nobody will ever serve, and its endpoint.
cap_t silent_session(cap_t *endpoint);
// A call object whose answers come to `home`.
cap_t new_call(cap_t home);
// Sends through a call object; the message page holds the rest.
error_t send(cap_t call, cap_t target, uint64_t tag, uint64_t word0, uint64_t word1);
// A plain call that gives up after so many nanoseconds; 0: never.
error_t call_raw(struct message_page *page, cap_t target, uint64_t tag, const uint64_t *words, uint64_t patience);
// Another thread of the attacker. It makes no stubs' calls that need the message page but its own.
void side_start(void (*run)(struct message_page *page), uint64_t priority);
