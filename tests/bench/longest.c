// A plugin of QEMU's that measures every stay in the kernel, from the first instruction at a kernel address to the next of a
// program, or to where the idle loop lets interrupts in: so long are they off. Prints the longest: `LENGTH PC...`, the first
// blocks executed and then one every 1,000 instructions. An iteration of a string instruction counts as one, as with -icount.
// Built and run by longest.py.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/plugin.h"

enum { KEPT = 500, BEGIN = 64, SAMPLES = 128, EVERY = 1000, HLT = 0xf4, STI = 0xfb };
#define KERNEL_LOWEST UINT64_C(0xffff800000000000)

struct stay {
    uint64_t length, count, way, pcs[SAMPLES]; // way: a sum of its first blocks, by which stays of one kind are told
};

static struct stay longest[KEPT], now;
static bool user_seen; // what comes before the first program is the boot
static uint64_t stays;

static void finish(void) {
    if (now.length == 0)
        return;
    stays++;
    static int least;
    for (uint64_t i = now.way = 0; i < now.count && i < BEGIN; i++)
        now.way = (now.way ^ now.pcs[i]) * UINT64_C(0x100000001b3);
    int place = least;
    for (int i = 0; now.length > longest[least].length && i < KEPT; i++)
        if (longest[i].way == now.way)
            place = i;
    if (user_seen && now.length > longest[place].length) {
        longest[place] = now;
        for (int i = 0; i < KEPT; i++)
            if (longest[i].length < longest[least].length)
                least = i;
    }
    now.length = now.count = 0;
}

struct known {
    uint64_t pc;
    uint32_t instructions;
    bool opens; // it lets interrupts in: the idle loop does
};

static void executed(unsigned cpu, void *data) {
    const struct known *block = data;
    (void)cpu;
    if (block->pc < KERNEL_LOWEST) {
        finish();
        user_seen = true;
        return;
    }
    uint64_t before = now.length;
    now.length += block->instructions;
    if (now.count < BEGIN || (now.count < SAMPLES && before / EVERY != now.length / EVERY))
        now.pcs[now.count++] = block->pc;
    if (block->opens)
        finish();
}

static void translated(plugin_id id, struct block *block) {
    size_t count = qemu_plugin_tb_n_insns(block);
    struct known *known = malloc(sizeof(*known));
    (void)id;
    *known = (struct known){qemu_plugin_tb_vaddr(block), (uint32_t)count, false};
    for (size_t i = 0; i < count; i++) {
        struct instruction *instruction = qemu_plugin_tb_get_insn(block, i);
        uint8_t first = *(const uint8_t *)qemu_plugin_insn_data(instruction);
        known->opens |= qemu_plugin_insn_size(instruction) == 1 && (first == HLT || first == STI);
    }
    qemu_plugin_register_vcpu_tb_exec_cb(block, executed, 0, known);
}

static int by_length(const void *a, const void *b) {
    const struct stay *left = a, *right = b;
    return left->length < right->length ? 1 : left->length > right->length ? -1 : 0;
}

static void end(plugin_id id, void *data) {
    FILE *file = fopen(data, "w");
    (void)id;
    if (!file)
        return;
    qsort(longest, KEPT, sizeof(longest[0]), by_length);
    fprintf(file, "%llu\n", (unsigned long long)stays);
    for (int i = 0; i < KEPT && longest[i].length; i++) {
        fprintf(file, "%llu", (unsigned long long)longest[i].length);
        for (uint64_t j = 0; j < longest[i].count; j++)
            fprintf(file, " %llx", (unsigned long long)longest[i].pcs[j]);
        fputc('\n', file);
    }
    fclose(file);
}

int qemu_plugin_install(plugin_id id, const void *information, int count, char **arguments) {
    (void)information;
    if (count != 1)
        return 1;
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_atexit_cb(id, end, strdup(strchr(arguments[0], '=') + 1));
    return 0;
}
