// See watch.h. A loop hangs if the same request stands at the head of its queue for some seconds, and the role's thread either
// runs all the time, or waits for something that is not its endpoint; or if it sleeps somewhere else than in its loop for longer,
// whether or not somebody waits. A role that itself waits for an answer is not to blame: the chain is followed to who has the
// request. A thread that spins while nobody asks for anything is sent a message that any loop answers at once. What a loop takes
// and does not answer: requests.c.
#include "servers/init/watch.h"

#include <string.h>

#include "kernel/abi/capability.h"
#include "libipc/client/call.h"
#include "libipc/client/slot.h"
#include "libipc/include/startup.h"
#include "libipc/protocols/endpoint.h"
#include "libipc/protocols/kernel.h"
#include "libipc/protocols/service.h"
#include "libipc/protocols/thread.h"
#include "libipc/server/fiber.h"
#include "servers/init/crash.h"
#include "servers/init/report.h"
#include "servers/init/role.h"

enum {
    STRIKES = 3,       // looks in a row at which it did not move
    AWAY_LOOKS = 10,   // in a row at which it slept outside its loop
    AGAIN_LOOKS = 100, // within which a second time is the same failure
    BUSY_PERCENT = 80, // of the time between two looks
    IDLY_PERCENT = 50, // the same, of a driver that does nothing else for many looks: a busy host takes some of it
    CHAIN_MOST = 8,
    STILL_LOOKS = 10,  // in a row at which a hand-over had not moved
    GIVING_MOST = 100, // looks that one may take in all
};

static uint64_t last_look, interval; // 0: not known yet

// A second, or "watch=MILLISECONDS" of the kernel's command line, for tests that wait for many hangs.
static uint64_t chosen_interval(void) {
    static char line[1025];
    static const char option[] = "watch=";
    uint64_t count, milliseconds = 0;
    if (kernel_command_line(SLOT_KERNEL, line, sizeof(line) - 1, &count))
        return SECOND;
    for (const char *at = line; *at; at += strcspn(at, " "), at += *at == ' ')
        if (strncmp(at, option, sizeof(option) - 1) == 0)
            for (const char *digit = at + sizeof(option) - 1; *digit >= '0' && *digit <= '9'; digit++)
                milliseconds = (milliseconds * 10 + (uint64_t)(*digit - '0')) % 1000000;
    return milliseconds ? milliseconds * (SECOND / 1000) : SECOND;
}

static bool is_watched(const struct role *role) {
    return role->phase == SERVICE_STATE_RUNNING && role->thread != 0;
}

// What a look finds of one thread.
struct sight {
    struct thread_information thread;
    bool busy, runs, slept, has_moved;
};

static bool look(struct role *role, uint64_t passed, struct sight *sight) {
    struct watch *watch = &role->watch;
    if (thread_information(role->thread, &sight->thread))
        return false;
    uint64_t used = sight->thread.cpu_time - watch->cpu_time;
    bool is_ready = sight->thread.state == THREAD_STATE_READY;
    sight->busy = is_ready && used * 100 >= passed * BUSY_PERCENT;
    sight->runs = is_ready && used * 100 >= passed * IDLY_PERCENT;
    sight->slept = used == 0;
    sight->has_moved = sight->thread.served_serial != watch->served_serial || sight->thread.served_count != watch->served_count;
    watch->cpu_time = sight->thread.cpu_time;
    watch->served_serial = sight->thread.served_serial;
    watch->served_count = sight->thread.served_count;
    return true;
}

// The role that serves a request of the thread with this number, or has put it aside; NULL: nobody, it is still in a queue.
static struct role *server_of(uint64_t serial) {
    for (uint32_t i = 0; i < role_count; i++)
        if (is_watched(&roles[i]) && (roles[i].watch.served_serial == serial || requests_has(&roles[i], serial)))
            return &roles[i];
    return NULL;
}

static struct role *end_of_chain(struct role *role) {
    struct thread_information information;
    for (int step = 0; step < CHAIN_MOST; step++) {
        if (thread_information(role->thread, &information) || information.state != THREAD_STATE_CALLING)
            return role;
        struct role *next = server_of(information.serial);
        if (!next)
            return role;
        role = next;
    }
    return role;
}

static void ping(void *argument) {
    struct role *role = argument;
    uint64_t all, own;
    (void)service_charged(role->watch.ping, &all, &own); // any answer will do
    role->watch.is_pinged = false;
}

// Looks at the queue find out if it stays there.
static void send_ping(struct role *role) {
    struct watch *watch = &role->watch;
    if (watch->is_pinged || (!watch->ping && endpoint_create_session(role->endpoint, startup_badge("init"), &watch->ping)))
        return;
    watch->is_pinged = fiber_start(ping, role) == ERR_OK;
}

static bool is_loop(const char *name) {
    return strcmp(name, "loop_run") == 0 || strcmp(name, "serve_until_stopped") == 0 || strcmp(name, "receive") == 0;
}

static const char *function_at(const struct role *role, uint64_t address) {
    uint64_t offset;
    const char *name = image_symbol(&role->image, address, &offset);
    return name ? name : "";
}

// Its thread waits in the loop of libipc, by a call of `system_call` or with that inlined, or the role has none. What else the
// loop calls may wait as well (a crash point that stalls), and is not the loop.
static bool is_in_loop(struct role *role) {
    struct watch *watch = &role->watch;
    struct thread_registers registers;
    uint64_t caller;
    if (!watch->requests.loop || thread_registers(role->thread, &registers) || registers.rip == watch->loop_wait)
        return true;
    if (!role_peek(role, registers.rbp + 8, &caller, sizeof(caller)))
        caller = 0;
    if (caller && caller == watch->loop_wait)
        return true;
    const char *function = function_at(role, registers.rip);
    if (is_loop(function))
        caller = registers.rip;
    else if (strcmp(function, "system_call") != 0 || !is_loop(function_at(role, caller)))
        return false;
    watch->loop_wait = caller;
    return true;
}

// True: the request at the head of the queue is the one that was there at the last look.
static bool is_stuck(struct role *role) {
    struct watch *watch = &role->watch;
    uint64_t queued, oldest, sessions, before = watch->head_first, until = watch->head_last, now = report_time();
    if (endpoint_information(role->endpoint, &queued, &oldest, &sessions) || !queued) {
        watch->head_first = watch->head_last = 0;
        return false;
    }
    watch->head_first = now - oldest;
    watch->head_last = report_time() - oldest;
    return until && watch->head_first <= until && watch->head_last >= before;
}

// A hand-over is judged by what moves in it: the clock goes on while a busy host lets nobody here run. Blocks that a driver owes
// it are the driver's matter.
static void judge_giving(struct role *role, const struct sight *sight) {
    struct giving *giving = &role->giving;
    struct giving now = {.looks = giving->looks + 1};
    (void)role_peek(role, image_object(&role->image, "server_messages"), &now.messages, sizeof(now.messages));
    (void)role_peek(role, image_object(&role->image, "server_asks"), &now.asks, sizeof(now.asks));
    bool moved = now.messages != giving->messages || now.asks.taken != giving->asks.taken || now.asks.done != giving->asks.done;
    bool still = !moved && now.asks.taken == now.asks.done && sight->thread.state == THREAD_STATE_WAITING;
    now.still = still ? giving->still + 1 : 0;
    *giving = now;
}

static bool is_given_up(const struct role *role) {
    return role->giving.still >= STILL_LOOKS || role->giving.looks >= GIVING_MOST;
}

static void judge(struct role *role, uint64_t passed) {
    struct watch *watch = &role->watch;
    struct sight sight;
    if (!look(role, passed, &sight))
        return;
    bool stuck = is_stuck(role);
    watch->busy = sight.busy && !sight.has_moved ? watch->busy + 1 : 0;
    watch->ran_idly = sight.runs && (!sight.has_moved || watch->was_pinged);
    if (watch->busy >= STRIKES && !stuck)
        send_ping(role);
    watch->was_pinged = watch->is_pinged;
    // A loop waits with no request in service: it has answered it or put it aside.
    bool holds = sight.thread.state == THREAD_STATE_WAITING && sight.thread.served_serial && !sight.has_moved;
    bool idle = sight.thread.state != THREAD_STATE_READY && sight.thread.state != THREAD_STATE_FAULTED;
    watch->strikes = holds || (stuck && (sight.busy || idle)) ? watch->strikes + 1 : 0;
    bool away = sight.thread.state == THREAD_STATE_WAITING && sight.slept && !is_in_loop(role);
    watch->away = away ? watch->away + 1 : 0;
    if (role->next.template || (role->previous.template && role_is_taking(role)))
        judge_giving(role, &sight);
    else
        role->giving = (struct giving){0};
}

// A request waits in the role for ever.
static void count_hang(struct role *role, uint64_t now) {
    bool again = role->hung_at && now - role->hung_at < AGAIN_LOOKS * interval;
    role->hung_times = again ? role->hung_times + 1 : 1;
    role->hung_at = now;
}

// What waits in the role for ever may wait for blocks that they owe it. They begin anew, and its requests to them.
static void blame_drivers(struct role *role, uint64_t now) {
    for (uint32_t i = 0; i < role_count; i++) {
        static struct crash crash;
        if (!is_watched(&roles[i]) || !roles[i].watch.requests.work)
            continue;
        crash_stop(&crash, &roles[i]);
        role_ended(&roles[i], SERVICE_CAUSE_HUNG, now);
        hang_report(&roles[i], &crash, "request that waits for ever in ", role);
    }
}

static void blame(struct role *role, const char *noticed, const struct unanswered *unanswered, uint64_t now) {
    if (unanswered->frame)
        count_hang(role, now);
    if (unanswered->is_due && role->hung_times == 2) { // the first time it might have been the role's own fault
        blame_drivers(role, now);
        return;
    }
    struct role *guilty = unanswered->what ? role : end_of_chain(role);
    role->watch.strikes = role->watch.away = 0;
    static struct crash crash;
    crash_stop(&crash, guilty);
    if (unanswered->frame) { // the fiber is in the memory that is kept, and may never go on
        crash_of_fiber(&crash, guilty, unanswered->frame, &unanswered->request);
        guilty->refused = guilty->hung_times > (unanswered->is_due ? 2 : 1);
    }
    role_ended(guilty, SERVICE_CAUSE_HUNG, now);
    hang_report(guilty, &crash, noticed, unanswered->what ? NULL : role);
}

// What it took and does not answer. After the looks at all threads, by which the chain is followed.
static void judge_requests(struct role *role, uint64_t now, uint64_t passed) {
    struct thread_information thread;
    struct unanswered unanswered;
    bool waits = thread_information(role->thread, &thread) == ERR_OK && thread.state == THREAD_STATE_WAITING;
    requests_look(role, waits && !role->next.template, passed, &unanswered);
    if (unanswered.what)
        blame(role, unanswered.what, &unanswered, now);
}

uint64_t roles_watch(uint64_t now) {
    if (interval == 0)
        interval = chosen_interval();
    uint64_t next = last_look + interval;
    if (now < next)
        return next;
    for (uint32_t i = 0; i < role_count; i++)
        if (is_watched(&roles[i]))
            judge(&roles[i], now - last_look);
    for (uint32_t i = 0; i < role_count; i++) {
        struct role *role = &roles[i];
        if (is_watched(role) && role->watch.strikes >= STRIKES)
            blame(role, "queue of ", &(struct unanswered){0}, now);
        else if (is_watched(role) && role->watch.away >= AWAY_LOOKS)
            blame(role, "silence of ", &(struct unanswered){0}, now);
        else if (is_watched(role) && is_given_up(role) && role->next.template)
            role_keeps(role, ERR_DEADLINE, now);
        else if (is_watched(role) && is_given_up(role))
            blame(role, "records that it does not take up", &(struct unanswered){.what = "records that it does not take up"},
                  now);
        else if (is_watched(role))
            judge_requests(role, now, now - last_look);
    }
    last_look = now;
    return now + interval;
}
