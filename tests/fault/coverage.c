// A plugin of QEMU's that writes down which instructions of programs were executed, one address a line, when the machine ends.
// What ran is told by blocks: all instructions of a block that was entered. Built and run by mutations.py.
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../bench/plugin.h"

#define KERNEL_LOWEST UINT64_C(0xffff800000000000)
static FILE *output;

// A block is translated when it is about to be executed; this machine starts at the workload's first instruction.
static void translated(plugin_id id, struct block *block) {
    (void)id;
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(block); i++) {
        uint64_t address = qemu_plugin_insn_vaddr(qemu_plugin_tb_get_insn(block, i));
        if (address < KERNEL_LOWEST)
            fprintf(output, "%lx\n", (unsigned long)address);
    }
    fflush(output); // the machine is killed
}

int qemu_plugin_install(plugin_id id, const void *information, int count, char **arguments) {
    (void)information;
    if (count != 1 || strncmp(arguments[0], "output=", 7) != 0 || !(output = fopen(arguments[0] + 7, "w")))
        return 1;
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    return 0;
}
