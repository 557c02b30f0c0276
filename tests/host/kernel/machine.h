// The machine under the kernel on the host: RAM is a shared mapping, seen through the direct map and, where the kernel maps
// pages for capability tables, in the region too; page tables are the real ones, in that RAM; time stands still until it
// is moved. machine.c implements what kernel/x86_64 gives the kernel elsewhere.
#pragma once

#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>

struct account;

enum { MACHINE_BYTES = 32 << 20 };

// RAM, frames and the kernel's page tables; once per program.
void machine_start(void);

extern uint64_t machine_now;    // nanoseconds
extern uint64_t machine_alarm;  // UINT64_MAX: none
extern jmp_buf machine_stuck;   // taken when nobody will ever run again
extern uint64_t machine_shares; // pages that the kernel has mapped for itself

// Takes all free frames but `left` away from the kernel, and gives them back.
void machine_leave_frames(uint32_t left);
void machine_return_frames(void);
extern uint64_t machine_taken; // frames

// All objects' memory goes through these (object.c is compiled with the heap's names replaced).
enum { MACHINE_OBJECTS = 65536 };
extern void *machine_objects[MACHINE_OBJECTS]; // those that live, in no order
extern uint32_t machine_object_count;

// Pages of page tables below the kernel's root that belong to nobody's account.
uint64_t machine_kernel_tables(void);
// The thread that runs.
struct thread *current_thread(void);
