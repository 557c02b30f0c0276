// FPU, SSE and AVX state of user threads. The kernel itself uses none: a thread that owns such state has an
// area, which is saved and restored when threads are switched, eagerly. Areas are FPU_ALIGNMENT-aligned,
// fpu_area_size() bytes, and never written by users directly. Intel SDM vol. 1, chapter 13.
#pragma once

#include <stdint.h>

enum { FPU_ALIGNMENT = 64 };

// Once on the boot CPU, after cpu_features_detect: what is used of XSAVE, XSAVEOPT, FXSAVE.
void fpu_initialize(void);

// On each CPU, the boot CPU included: CR0, CR4 and XCR0.
void fpu_enable(void);

uint32_t fpu_area_size(void); // bytes; at most 4096 with the state components that are enabled
void fpu_initialize_area(void *area);
void fpu_save(void *area);
void fpu_restore(const void *area);
