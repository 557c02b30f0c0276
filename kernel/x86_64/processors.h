// The processors beside the first: starting them, and telling them that page tables changed. A change to a present entry is
// not over before every processor that uses the tables has answered, so a frame is never reused under an old translation.
#pragma once

#include <stdint.h>

struct acpi_information;

// Starts every processor that the tables name, at most CPUS_MAX in all. Called once, with the kernel lock held, before the
// first thread runs; one that does not answer is left out with a message.
void processors_start(const struct acpi_information *acpi);

// The number of the processor that asks, found without GS.
uint32_t processors_own_index(void);

// Every other processor whose CR3 holds `root` loads `instead` (the same root: its translations are forgotten) before this
// returns. The caller holds the kernel lock.
void processors_reload(uint64_t root, uint64_t instead);
// Every other processor forgets what it knows of the kernel's own mappings.
void processors_forget_kernel_mappings(void);
// Answers what another processor wants of this one.
void processors_answer(void);
