// The counter of servers/example over the simulated kernel: clients add, wait and echo while the server is
// killed at random system calls. However often it dies, each addition counts once, and each answer is one
// that an undisturbed server could have given.
#include <string.h>

#include "libipc/protocols/counter.h"
#include "libipc/state/store.h"
#include "servers/example/state.h"
#include "tests/host/libipc/scene.h"

enum { SEEDS = 200, CLIENTS = 4, ADDITIONS = 25, STATE_BYTES = 8192, DEATHS = 12 };

static _Alignas(STATE_ALIGNMENT) unsigned char memory[STATE_BYTES];
static struct sim_process *server_process;
static uint32_t finished, deaths, killed;
static bool answered[CLIENTS * ADDITIONS + 1]; // by value

// State memory is stored to as on the machine; cutting each store is state_test.c's work.
void state_store_bytes(void *to, const void *from, uint64_t length) {
    memcpy(to, from, length);
}

void state_store_word(uint32_t *to, uint32_t value) {
    *to = value;
}

static error_t dispatch(struct request *request) {
    return counter_dispatch(&counter_ops, request);
}

static void actor(void *argument) {
    (void)argument;
    CHECK(counter_open(memory, sizeof(memory)) == ERR_OK);
    CHECK(server_run(&counter.server) == ERR_OK);
}

static void start_again(struct sim_process *process) {
    killed++;
    if (++deaths < DEATHS)
        sim_kill_later(process, 1 + sim_random(60), start_again);
    sim_thread_start(process, actor, NULL);
}

static void client(void *argument) {
    cap_t session = (cap_t)(uintptr_t)argument;
    for (uint32_t i = 0; i < ADDITIONS; i++) {
        uint64_t value, later, count;
        char answer[8];
        CHECK(counter_add(session, 1, &value) == ERR_OK);
        CHECK(value >= 1 && value <= CLIENTS * ADDITIONS && !answered[value]);
        answered[value] = true;
        CHECK(counter_value(session, &later) == ERR_OK && later >= value);
        CHECK(counter_echo(session, "a-Zz", 4, answer, sizeof(answer), &count) == ERR_OK);
        CHECK(count == 4 && memcmp(answer, "A-ZZ", 4) == 0);
    }
    finished++;
}

static void waiting_client(void *argument) {
    uint64_t value;
    CHECK(counter_wait((cap_t)(uintptr_t)argument, CLIENTS * ADDITIONS, &value) == ERR_OK);
    CHECK(value == CLIENTS * ADDITIONS);
    finished++;
}

static void play(void) {
    memset(memory, 0, sizeof(memory));
    memset(answered, 0, sizeof(answered));
    finished = deaths = 0;
    counter = (struct counter){.server = {.dispatch = dispatch, .stack_create = scene_stack_create, .stack_bytes = 64 * 1024}};
    server_process = sim_process_create();
    counter.server.endpoint = sim_endpoint(server_process);
    sim_thread_start(server_process, actor, NULL);
    sim_kill_later(server_process, 1 + sim_random(60), start_again);
    for (uint64_t i = 0; i <= CLIENTS; i++) {
        struct sim_process *process = sim_process_create();
        cap_t session = sim_session(process, server_process, counter.server.endpoint, i + 1);
        sim_thread_start(process, i < CLIENTS ? client : waiting_client, (void *)(uintptr_t)session);
    }
}

static void judge(uint32_t threads_left) {
    CHECK(threads_left == 1 && finished == CLIENTS + 1); // the server waits
    CHECK(counter.record.value == CLIENTS * ADDITIONS);
    for (uint32_t value = 1; value <= CLIENTS * ADDITIONS; value++)
        CHECK(answered[value]);
}

int main(void) {
    scene_repeat("each addition counts once", SEEDS, play, judge);
    CHECK(killed > SEEDS * 5); // otherwise nothing was tried
    return 0;
}
