// A plugin of QEMU's that follows one round trip of the bare benchmark, the hundredth of a call and its answer between two
// processes: every instruction (`I PC LENGTH`) and every access of it to memory (`L` or `S`, ADDRESS) between two readings of the
// counter that enclose two changes of CR3, and before them `E COUNT`: the instructions of an empty measurement. Built and run by
// path.py.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/plugin.h"

enum { EVENTS = 4096, WANTED = 100, READ_AND_WRITE = 3 };

struct known {
    uint64_t pc, length;
    bool reads_counter, changes_space;
};

static struct event {
    char kind;
    uint64_t place, length;
} events[EVENTS];
static unsigned count, instructions, changes, found;
static unsigned empty = EVENTS; // instructions of the shortest measurement so far
static FILE *output;

static void add(char kind, uint64_t place, uint64_t length) {
    if (count < EVENTS)
        events[count++] = (struct event){kind, place, length};
}

static void reading(void) {
    if (!changes && instructions && instructions < empty)
        empty = instructions;
    if (changes == 2 && count < EVENTS && ++found == WANTED) {
        fprintf(output, "E %u\n", empty);
        for (unsigned i = 0; i < count; i++)
            fprintf(output, "%c %lx %lu\n", events[i].kind, (unsigned long)events[i].place, (unsigned long)events[i].length);
        fflush(output);
    }
    count = instructions = changes = 0;
}

static void executed(unsigned cpu, void *data) {
    const struct known *known = data;
    (void)cpu;
    if (known->reads_counter)
        reading();
    instructions++;
    changes += known->changes_space;
    add('I', known->pc, known->length);
}

static void accessed(unsigned cpu, uint32_t information, uint64_t address, void *data) {
    (void)cpu;
    (void)data;
    add(qemu_plugin_mem_is_store(information) ? 'S' : 'L', address, 0);
}

static void translated(plugin_id id, struct block *block) {
    (void)id;
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(block); i++) {
        struct instruction *instruction = qemu_plugin_tb_get_insn(block, i);
        const uint8_t *bytes = qemu_plugin_insn_data(instruction);
        struct known *known = malloc(sizeof(*known));
        *known = (struct known){.pc = qemu_plugin_insn_vaddr(instruction), .length = qemu_plugin_insn_size(instruction)};
        known->reads_counter = bytes[0] == 0x0f && bytes[1] == 0x31;
        known->changes_space = bytes[0] == 0x0f && bytes[1] == 0x22 && (bytes[2] & 0xf8) == 0xd8;
        qemu_plugin_register_vcpu_insn_exec_cb(instruction, executed, 0, known);
        qemu_plugin_register_vcpu_mem_cb(instruction, accessed, 0, READ_AND_WRITE, NULL);
    }
}

int qemu_plugin_install(plugin_id id, const void *information, int argument_count, char **arguments) {
    (void)information;
    for (int i = 0; i < argument_count; i++)
        if (!strncmp(arguments[i], "output=", strlen("output=")))
            output = fopen(arguments[i] + strlen("output="), "w");
    if (!output)
        return 1;
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    return 0;
}
