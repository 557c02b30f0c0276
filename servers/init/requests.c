// See requests.h. Three ways not to answer, and one to be kept from it: a fiber waits for something that only its own server
// brings about, and does not move; a reply capability lies in the table, and no fiber, no deferred request and no result knows of
// it; a driver took requests out of rings and none of them gets done; its line interrupts again and again without a reason. And a
// driver that runs most of the time, though its loop answers: nothing interrupts it, and nothing gets done. Others, below its
// priority, may not run at all. Waits that a caller may end (for input, for a child) and calls to others are nobody's guilt.
#include "servers/init/requests.h"

#include <stddef.h>

#include "kernel/abi/capability.h"
#include "libipc/protocols/process.h"
#include "servers/init/role.h"

enum {
    FIBER_LOOKS = 30,
    WORK_LOOKS = 20, // fewer: whoever waits for a driver is not to blame
    LOST_LOOKS = 5,
    STORM_LOOKS = 3,
    SPIN_LOOKS = 20,
    STORM_PAUSE = 1000000, // nanoseconds between two useless interrupts, at most
    DEFERRED_MOST = 1024,
    FIBER_BYTES = offsetof(struct fiber, words),
    FRAME_BYTES = 6 * 8, // what fiber_switch has saved; rbp comes last
};

// What the last walk over a role's fibers found.
static struct walk {
    cap_t known[FIBER_MAX]; // slots of replies
    uint32_t known_count;
    struct fiber waiting; // the one of the looks before if it is still there, else the first
    uint64_t waiting_at;
} walk;

// Counts looks in a row that found the same fault; true, and from the start again, when there are enough of them.
static bool is_enough(uint32_t *looks, bool at_fault, uint32_t enough) {
    *looks = at_fault ? *looks + 1 : 0;
    if (*looks < enough)
        return false;
    *looks = 0;
    return true;
}

static void find_places(struct role *role) {
    struct requests_watch *watch = &role->watch.requests;
    if (watch->has_places)
        return;
    watch->has_places = true;
    watch->loop = image_object(&role->image, "loop");
    watch->work = image_object(&role->image, "server_work");
    watch->asks = image_object(&role->image, "server_asks");
    watch->interrupts = image_object(&role->image, "server_interrupts");
}

static bool waits_for_own(const struct fiber *fiber) {
    return fiber->serves && fiber->state == FIBER_WAITING && !fiber->cancellable && !fiber->timer.armed;
}

static bool is_same(const struct requests_watch *watch, const struct fiber *fiber, uint64_t at) {
    return watch->fiber == at && watch->count == fiber->request.number_count &&
           watch->stack_pointer == (uintptr_t)fiber->stack_pointer;
}

// False: it can't be read, or is none of ours.
static bool walk_fibers(const struct role *role) {
    static struct fiber *fibers[FIBER_MAX];
    static struct fiber fiber;
    const struct requests_watch *watch = &role->watch.requests;
    uint32_t count;
    walk.known_count = 0;
    walk.waiting_at = 0;
    if (!role_peek(role, watch->loop + offsetof(struct loop, fiber_count), &count, sizeof(count)) || count > FIBER_MAX ||
        (count && !role_peek(role, watch->loop + offsetof(struct loop, fibers), fibers, count * sizeof(fibers[0]))))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t at = (uintptr_t)fibers[i];
        if (!role_peek(role, at, &fiber, FIBER_BYTES))
            return false;
        if (fiber.state != FIBER_IDLE && fiber.serves)
            walk.known[walk.known_count++] = fiber.reply_slot;
        if (!waits_for_own(&fiber) || (walk.waiting_at && !is_same(watch, &fiber, at)))
            continue;
        walk.waiting = fiber;
        walk.waiting_at = at;
    }
    return true;
}

static bool is_deferred(const struct role *role, cap_t slot) {
    uint64_t at;
    struct deferred deferred;
    if (!role_peek(role, role->watch.requests.loop + offsetof(struct loop, deferred), &at, sizeof(at)))
        return true;
    for (uint32_t i = 0; at; i++, at = (uintptr_t)deferred.next)
        if (i == DEFERRED_MOST || !role_peek(role, at, &deferred, sizeof(deferred)) || deferred.reply == slot)
            return true; // or not known
    return false;
}

static bool is_result(const struct role *role, cap_t slot) {
    uint64_t results = role->watch.requests.loop + offsetof(struct loop, results);
    struct result result;
    uint32_t used;
    if (!role_peek(role, role->watch.requests.loop + offsetof(struct loop, results_used), &used, sizeof(used)))
        return true;
    for (uint32_t i = 0; i < RESULTS_MAX; i++)
        if ((used >> i & 1) != 0 &&
            (!role_peek(role, results + i * sizeof(result), &result, offsetof(struct result, reply)) || result.slot == slot))
            return true;
    return false;
}

// The first reply from `slot` on that no fiber has; 0: none.
static cap_t unknown_reply(const struct role *role, uint64_t slot) {
    uint64_t kind;
    for (; process_slot_next(role->process, slot, &slot, &kind, NULL, NULL, NULL) == ERR_OK; slot++) {
        bool known = kind != CAP_REPLY;
        for (uint32_t i = 0; !known && i < walk.known_count; i++)
            known = walk.known[i] == slot;
        if (!known && !is_deferred(role, (cap_t)slot) && !is_result(role, (cap_t)slot))
            return (cap_t)slot;
    }
    return 0;
}

static void look_at_fibers(struct role *role, struct unanswered *found) {
    struct requests_watch *watch = &role->watch.requests;
    bool same = walk.waiting_at && is_same(watch, &walk.waiting, walk.waiting_at);
    watch->fiber = walk.waiting_at;
    watch->count = walk.waiting.request.number_count;
    watch->stack_pointer = (uintptr_t)walk.waiting.stack_pointer;
    struct server_work asks;
    if (!is_enough(&watch->fiber_looks, same, FIBER_LOOKS))
        return;
    *found =
        (struct unanswered){"request that waits in it for ever", watch->stack_pointer + FRAME_BYTES - 8, walk.waiting.request,
                            role_peek(role, watch->asks, &asks, sizeof(asks)) && asks.taken != asks.done};
}

static void look_at_replies(struct role *role, struct unanswered *found) {
    struct requests_watch *watch = &role->watch.requests;
    cap_t lost = unknown_reply(role, 1);
    bool same = lost && lost == watch->lost_slot;
    watch->lost_slot = lost;
    if (is_enough(&watch->lost_looks, same, LOST_LOOKS))
        *found = (struct unanswered){.what = "request that it has lost"};
}

// Whether any came or got done since the last look.
static bool look_at_work(struct role *role, struct unanswered *found) {
    struct requests_watch *watch = &role->watch.requests;
    struct server_work work;
    if (!role_peek(role, watch->work, &work, sizeof(work)))
        return false;
    bool moved = work.taken != watch->taken || work.done != watch->done;
    watch->taken = work.taken;
    watch->done = work.done;
    if (is_enough(&watch->work_looks, !moved && work.taken != work.done, WORK_LOOKS))
        *found = (struct unanswered){.what = "requests of rings that it does not do"};
    return moved;
}

// A look at which the host let nobody here run does not hide those before it.
static bool is_spinning(struct role *role, bool works, uint64_t passed) {
    uint32_t *looks = &role->watch.requests.spin_looks;
    if (role->watch.ran_idly && !works)
        ++*looks;
    else
        *looks = works || *looks == 0 ? 0 : *looks - 1;
    if (*looks > 0)
        role->reloaded_at += passed; // that a new program runs so does not show that it works
    return *looks >= SPIN_LOOKS;
}

static void look_at_interrupts(struct role *role, bool works, uint64_t passed, struct unanswered *found) {
    struct requests_watch *watch = &role->watch.requests;
    struct server_interrupts now;
    if (!role_peek(role, watch->interrupts, &now, sizeof(now)))
        return;
    uint64_t taken = now.taken - watch->before.taken, useless = now.useless - watch->before.useless;
    bool storms = useless >= passed / STORM_PAUSE && useless >= taken - taken / 10;
    watch->before = now;
    if (is_enough(&watch->storm_looks, storms, STORM_LOOKS))
        *found = (struct unanswered){.what = "interrupts that its device has no reason for"};
    else if (is_spinning(role, works || taken != 0, passed))
        *found = (struct unanswered){.what = "time that it takes from others and does nothing with"};
}

void requests_look(struct role *role, bool may_look, uint64_t passed, struct unanswered *found) {
    *found = (struct unanswered){0};
    find_places(role);
    bool works = look_at_work(role, found);
    look_at_interrupts(role, works, passed, found);
    if (found->what || !role->watch.requests.loop || !may_look || !walk_fibers(role))
        return;
    look_at_replies(role, found);
    if (!found->what)
        look_at_fibers(role, found);
}

bool requests_has(const struct role *role, uint64_t thread) {
    static struct fiber fiber;
    uint32_t count = 0;
    uint64_t fibers = role->watch.requests.loop + offsetof(struct loop, fibers), at;
    if (!role->watch.requests.loop ||
        !role_peek(role, role->watch.requests.loop + offsetof(struct loop, fiber_count), &count, sizeof(count)))
        return false;
    for (uint32_t i = 0; i < count && i < FIBER_MAX; i++)
        if (role_peek(role, fibers + i * sizeof(at), &at, sizeof(at)) && role_peek(role, at, &fiber, FIBER_BYTES) &&
            fiber.serves && fiber.state != FIBER_IDLE && fiber.request.number_thread == thread)
            return true;
    return false;
}
