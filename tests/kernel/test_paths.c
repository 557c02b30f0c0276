// The fast path beside the slow one: every message that the fast path takes goes both ways, and all that can be seen of it must
// be the same. A thread with a segment base has extras, so its messages go by the slow path; nothing else tells the two apart
// but their price, by which the test knows that both were gone.
#include "libipc/protocols/kernel.h"
#include "tests/kernel/harness.h"

enum {
    BADGES = 4,
    FORMS = 7,
    ITEMS = 8,
    SERVER_REGISTERS = 0,
    SERVER_PAGE,
    CALLER_REGISTERS,
    CALLER_PAGE,
    THREADS,
    OBJECTS,
    NUMBER,
    PRICE
};
enum { IN_FORM = 16, IN_ROUND = 17, IN_SESSION = 18, IN_ENDPOINT = 19, IN_GATE = 20, IN_CALLER = 21, IN_SERVER = 22, FOUND = 32 };

static const uint64_t badges[BADGES] = {0, 1, UINT64_C(0x8000000000000000), UINT64_MAX};

static uint64_t mix(uint64_t sum, uint64_t word) {
    return (sum ^ word) * UINT64_C(0x100000001b3) ^ (sum >> 29);
}

static uint64_t mix_registers(const struct ipc_registers *registers, error_t result) {
    uint64_t sum = mix(mix((uint64_t)(int64_t)result, registers->target), registers->tag);
    for (int i = 0; i < MESSAGE_REGISTER_WORDS; i++)
        sum = mix(sum, registers->words[i]);
    return sum;
}

static uint64_t mix_page(const struct message_page *page) {
    uint64_t sum = 1;
    for (size_t i = 0; i < sizeof(*page) / sizeof(uint64_t); i++)
        sum = mix(sum, ((const uint64_t *)page)[i]);
    return sum;
}

static void mark_page(struct message_page *page, uint64_t round) {
    for (size_t i = 0; i < sizeof(*page) / sizeof(uint64_t); i++)
        ((uint64_t *)page)[i] = round * 7919 + i;
    memset(page->receive_slots, 0, sizeof(page->receive_slots));
}

// A call whose answer fits into registers; its words, or 0 if it failed.
static uint64_t ask(cap_t target, uint64_t tag, int first, int last) {
    struct ipc_registers registers = {.target = target, .tag = tag};
    uint64_t sum = (uint64_t)(int64_t)system_call(SYS_CALL, &registers);
    for (int i = first; i <= last; i++)
        sum = mix(sum, registers.words[i]);
    return mix(sum, registers.tag);
}

static uint64_t look(void) { // what kernel objects tell while the request is served, but for times
    uint64_t sum = 0;
    for (int i = 0; i < 2; i++) {
        cap_t thread = (cap_t)shared->words[IN_CALLER + i];
        sum = mix(sum, ask(thread, TAG(METHOD_THREAD_INFORMATION, 0), 0, 0));
        sum = mix(sum, ask(thread, TAG(METHOD_THREAD_INFORMATION, 0), 2, 3));
    }
    return sum;
}

static uint64_t messages_before;

static uint64_t count(void) { // queues, sessions, memory, capabilities, messages counted since the last look
    uint64_t sum = ask((cap_t)shared->words[IN_ENDPOINT], TAG(METHOD_ENDPOINT_INFORMATION, 0), 0, 0);
    sum = mix(sum, ask((cap_t)shared->words[IN_ENDPOINT], TAG(METHOD_ENDPOINT_INFORMATION, 0), 2, 2));
    sum = mix(sum, ask(SLOT_ACCOUNT, TAG(METHOD_ACCOUNT_INFORMATION, 0), 0, 1));
    sum = mix(sum, ask(SLOT_SELF, TAG(METHOD_PROCESS_INFORMATION, 0), 2, 2));
    struct ipc_registers registers = {.target = SLOT_KERNEL, .tag = TAG(METHOD_KERNEL_INFORMATION, 0)};
    (void)system_call(SYS_CALL, &registers);
    sum = mix(sum, registers.words[5] - messages_before);
    messages_before = registers.words[5];
    return sum;
}

// The words and the tag of a message of this form: 0 to 6 words, methods, statuses, and bits that nobody looks at.
static void form(struct ipc_registers *registers, uint64_t round, bool reply) {
    uint64_t words = shared->words[IN_FORM];
    uint64_t low = reply ? (round % 3 ? (uint16_t) - (int)(round % 200) : 0) : 0x100 + round * 37 % 0xff00;
    registers->tag = ((low & TAG_METHOD_MASK) | words << TAG_WORDS_SHIFT) | (round & 1 ? round * 0x9e3779b1 << 32 : 0);
    for (int i = 0; i < MESSAGE_REGISTER_WORDS; i++)
        registers->words[i] = (round + (uint64_t)i) * 0x9e3779b97f4a7c15 ^ (reply ? UINT64_MAX : 0);
}

static void path_server(struct actor *actor) {
    struct ipc_registers registers = {.target = shared->words[IN_ENDPOINT]};
    uint64_t last = 0;
    error_t error = system_call(SYS_WAIT, &registers);
    for (;;) {
        uint64_t round = shared->words[IN_ROUND];
        volatile uint64_t *found = &shared->words[FOUND];
        found[SERVER_REGISTERS] = mix_registers(&registers, error);
        found[NUMBER] = registers.third - last; // one more each time
        last = registers.third;
        found[SERVER_PAGE] = mix_page(actor->page);
        found[THREADS] = look();
        found[OBJECTS] = count();
        mark_page(actor->page, round + 1);
        form(&registers, round, true);
        registers.target = shared->words[IN_ENDPOINT];
        registers.second = 0;
        error = system_call(SYS_REPLY_WAIT, &registers);
    }
}

static void path_caller(struct actor *actor) {
    for (;;) {
        struct ipc_registers registers = {.target = shared->words[IN_GATE]};
        (void)system_call(SYS_WAIT, &registers);
        uint64_t round = shared->words[IN_ROUND];
        volatile uint64_t *found = &shared->words[FOUND];
        mark_page(actor->page, round);
        form(&registers, round, false);
        registers.target = shared->words[IN_SESSION];
        registers.second = 0;
        uint64_t start = clock_monotonic();
        error_t error = system_call(SYS_CALL, &registers);
        found[PRICE] = clock_monotonic() - start;
        found[CALLER_REGISTERS] = mix(mix_registers(&registers, error), registers.second + registers.third);
        found[CALLER_PAGE] = mix_page(actor->page);
        found[THREADS] = mix(found[THREADS], look());
        found[OBJECTS] = mix(found[OBJECTS], count());
    }
}

struct way {
    const char *name;
    uint64_t server_priority, caller_flags, server_flags;
};

static void compare(const struct way *way) {
    cap_t endpoint = new_endpoint(), gate = new_notification();
    uint64_t found[2][ITEMS], different = 0, dear = 0, rounds = 0;
    struct actor *server = actor_new(path_server, way->server_priority, way->server_flags);
    struct actor *caller = actor_new(path_caller, ACTOR_PRIORITY, way->caller_flags);
    shared->words[IN_ENDPOINT] = endpoint, shared->words[IN_GATE] = gate;
    shared->words[IN_CALLER] = caller->thread, shared->words[IN_SERVER] = server->thread;
    actor_go(server);
    actor_go(caller);
    if (way->server_priority < MAIN_PRIORITY)
        actor_await(server, THREAD_STATE_WAITING);
    for (int badge = 0; badge < BADGES; badge++) {
        shared->words[IN_SESSION] = new_session(endpoint, badges[badge]);
        for (uint64_t words = 0; words < FORMS; words++) {
            // Both ways twice: the first time after a change its number and counts are not comparable.
            for (uint64_t turn = 0; turn < 12; turn++, rounds++) {
                bool slow = turn & 2;
                must(thread_set_segments(way->server_flags ? caller->thread : server->thread, 0, slow ? 0x1000 : 0),
                     "a segment base");
                shared->words[IN_FORM] = words;
                shared->words[IN_ROUND] = turn / 4 * 29 + words + (uint64_t)badge * 1000;
                must(notification_signal(gate, 1), "letting it go");
                if (!(turn & 1))
                    continue;
                for (int i = 0; i < ITEMS; i++)
                    found[slow][i] = shared->words[FOUND + i];
                for (int i = 0; slow && i < PRICE; i++)
                    if (found[0][i] != found[1][i] && different++ == 0)
                        note("%s: %llu words, badge %d: item %d differs", way->name, (unsigned long long)words, badge, i);
                dear += slow && found[1][PRICE] < found[0][PRICE] + 400;
            }
        }
        slot_release((cap_t)shared->words[IN_SESSION]);
    }
    note("%s: fast %llu, slow %llu", way->name, (unsigned long long)found[0][PRICE], (unsigned long long)found[1][PRICE]);
    check(different == 0, way->name);
    check(dear == 0, "and it was not the same path");
    actor_free(caller);
    actor_free(server);
    slot_release(gate);
    drop_endpoint(endpoint);
}

void test_paths(void) {
    static const struct way ways[] = {
        {"fast and slow path: a server of higher priority", ACTOR_PRIORITY + 1, 0, 0},
        {"fast and slow path: a server that gets its caller's priority", 59, 0, 0},
        {"fast and slow path: a caller with FPU state", ACTOR_PRIORITY, 1, 0},
    };
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
        compare(&ways[i]);
}
