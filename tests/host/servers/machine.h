// A machine on the host for tests of several servers at once: every stub call, to a server or to a kernel
// object, is a function call into the other server's dispatcher. Stands in for libipc's call, request and
// loop, and for the kernel; the generated stubs and dispatchers and the servers themselves are the real ones.
// One capability table serves all; each slot is counted.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libipc/client/call.h"
#include "libipc/server/server.h"

struct machine_server {
    struct server *server; // whose endpoint is filled in
    error_t (*dispatch)(struct request *request);
    void (*closed)(uint64_t badge); // may be NULL
};

// Gives the server an endpoint.
void machine_add_server(struct machine_server *added);
// A session of the manifest, by the name that makes its badge.
cap_t machine_session(struct server *server, const char *badge_name);
// What startup_capability finds.
void machine_name_capability(const char *name, cap_t capability);
void machine_forget_names(void);

// A call that is not waited for: pipes defer their answers.
struct machine_call {
    bool is_done;
    error_t status;
    uint64_t words[MESSAGE_WORDS];
    cap_t caps[MESSAGE_CAPS];
    struct machine_call_state *state;
};
// `words`, `read` and `write` stay the caller's until is_done.
void machine_send(struct machine_call *call, cap_t target, const struct ipc_shape *shape, const uint64_t *words,
                  const struct ipc_extras *extras);
// Its caller gives it up.
void machine_cancel(struct machine_call *call);

// One in so many copies between server and caller, at random, fails with ERR_PAGE_MISSING; 0: none.
extern unsigned machine_copy_failures;
extern uint64_t machine_time; // nanoseconds: monotonic and wall

cap_t machine_notification(void);
uint64_t machine_notification_take(cap_t notification);
// Bytes that memory objects hold now, and slots in use: for leaks.
size_t machine_memory_bytes(void);
uint32_t machine_slots(void);
// The bytes of a memory object.
void *machine_memory(cap_t memory, size_t *length);
cap_t machine_make_memory(size_t length);
