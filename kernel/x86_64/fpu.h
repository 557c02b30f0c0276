// FPU, SSE and AVX state of user threads. The kernel itself uses none: a thread that owns such state has an area, which is saved
// and restored when threads are switched, eagerly. Areas are 64-byte-aligned, of one page, and never written by users directly.
// Intel SDM volume 1, chapter 13.
#pragma once

// Once on the boot CPU, after cpu_features_detect: what is used of XSAVEOPT and FXSAVE.
void fpu_initialize(void);
// On each CPU, the boot CPU included: CR0, CR4 and XCR0.
void fpu_enable(void);
void fpu_initialize_area(void *area);
void fpu_save(void *area);
void fpu_restore(const void *area);
