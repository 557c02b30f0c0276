// Walks everything that the kernel holds and compares it with what its counts and links say.
#pragma once

struct account;
struct process;

// Aborts with a sentence if anything does not add up. The caller holds one reference each of the account that pays for all
// and of a process (or NULL).
void invariants_check(struct account *root, struct process *held);
