// See scene.h.
#include "tests/host/libipc/scene.h"

#include <stdio.h>

#include "tests/host/libipc/kernel_state.h"

error_t scene_stack_create(uint64_t bytes, void **low) {
    uintptr_t address = (uintptr_t)sim_allocate_stack(bytes + 4096);
    *low = (void *)((address + 4095) & ~(uintptr_t)4095);
    return ERR_OK;
}

static void server_body(void *argument) {
    struct server *server = argument;
    error_t error = server_run(server);
    CHECK(error == ERR_OK);
}

struct sim_process *scene_server(struct server *server) {
    struct sim_process *process = sim_process_create();
    server->endpoint = sim_endpoint(process);
    server->stack_create = scene_stack_create;
    server->stack_bytes = 64 * 1024; // the sanitizers need room
    sim_thread_start(process, server_body, server);
    return process;
}

void scene_repeat(const char *name, uint32_t seeds, void (*play)(void), void (*judge)(uint32_t threads_left)) {
    for (uint32_t seed = 1; seed <= seeds; seed++) {
        sim_reset(seed);
        play();
        judge(sim_run());
    }
    sim_reset(0);
    printf("ok - %s (%u seeds)\n", name, seeds);
}
