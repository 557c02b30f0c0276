// A QEMU plugin: how often each block of translated code ran. At the end a line for each: its address, its instructions, how often. profile.py makes
// functions of them.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/plugin.h"

struct counted {
    struct counted *next;
    uint64_t address, instructions, runs;
};

static struct counted *all;
static FILE *output;

static void translated(plugin_id id, struct block *block) {
    struct counted *counted = calloc(1, sizeof(*counted));
    (void)id;
    if (counted == NULL)
        abort();
    *counted = (struct counted){all, qemu_plugin_tb_vaddr(block), qemu_plugin_tb_n_insns(block), 0};
    all = counted;
    qemu_plugin_register_vcpu_tb_exec_inline(block, PLUGIN_ADD, &counted->runs, 1);
}

static void end(plugin_id id, void *data) {
    (void)id;
    (void)data;
    for (const struct counted *counted = all; counted != NULL; counted = counted->next)
        if (counted->runs != 0)
            fprintf(output, "%" PRIx64 " %" PRIu64 " %" PRIu64 "\n", counted->address, counted->instructions, counted->runs);
    fclose(output);
}

int qemu_plugin_install(plugin_id id, const void *information, int argument_count, char **arguments) {
    const char *path = argument_count > 0 && strncmp(arguments[0], "output=", 7) == 0 ? arguments[0] + 7 : NULL;
    (void)information;
    output = path != NULL ? fopen(path, "w") : NULL;
    if (output == NULL)
        return -1;
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_atexit_cb(id, end, NULL);
    return 0;
}
