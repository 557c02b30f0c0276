// What the plugins here use of QEMU's plugin interface (docs/devel/tcg-plugins.rst, version 1). QEMU 7.2 has it, but Debian no
// package with its header.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint64_t plugin_id;
struct block;
struct instruction;
__attribute__((visibility("default"))) int qemu_plugin_version = 1;
__attribute__((visibility("default"))) int qemu_plugin_install(plugin_id id, const void *information, int count,
                                                               char **arguments);
void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id, void (*translated)(plugin_id, struct block *));
void qemu_plugin_register_vcpu_tb_exec_cb(struct block *block, void (*executed)(unsigned, void *), int flags, void *data);
enum { PLUGIN_ADD = 0 }; // to the 64 bits at `counter`
void qemu_plugin_register_vcpu_tb_exec_inline(struct block *block, int operation, void *counter, uint64_t number);
void qemu_plugin_register_vcpu_insn_exec_cb(struct instruction *instruction, void (*executed)(unsigned, void *), int flags,
                                            void *data);
void qemu_plugin_register_vcpu_mem_cb(struct instruction *instruction, void (*accessed)(unsigned, uint32_t, uint64_t, void *),
                                      int flags, int kinds, void *data);
void qemu_plugin_register_atexit_cb(plugin_id id, void (*end)(plugin_id, void *), void *data);
size_t qemu_plugin_tb_n_insns(const struct block *block);
struct instruction *qemu_plugin_tb_get_insn(const struct block *block, size_t index);
const void *qemu_plugin_insn_data(const struct instruction *instruction);
size_t qemu_plugin_insn_size(const struct instruction *instruction);
uint64_t qemu_plugin_insn_vaddr(const struct instruction *instruction);
bool qemu_plugin_mem_is_store(uint32_t information);
uint64_t qemu_plugin_tb_vaddr(const struct block *block);
