// Segment descriptors, task state and interrupt descriptors: built once per processor, then only the I/O permission map
// changes. Intel SDM volume 3, chapters 3, 6 and 8.
#pragma once

struct process;
struct processor;

enum { SELECTOR_KERNEL_CODE = 0x08, SELECTOR_KERNEL_DATA = 0x10, SELECTOR_USER_DATA = 0x1b, SELECTOR_USER_CODE = 0x23 };

void descriptors_initialize(struct processor *processor);
void descriptors_allow_ports(const struct process *process);
void descriptors_deny_ports(const struct process *process);
