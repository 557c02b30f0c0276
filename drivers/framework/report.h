// What a driver has to say to people: one line, to the log. Never waits for anybody.
#pragma once

#include "drivers/framework/text.h"
#include "kernel/abi/errors.h"

enum report_level { REPORT_ERROR = 1, REPORT_WARNING = 2, REPORT_INFORMATION = 3, REPORT_DEBUG = 4 };

// The name that lines begin with; the role's own, set once at the start.
void report_set_name(const char *name);

void report(enum report_level level, const struct text *text);
void report_line(enum report_level level, const char *line);
// Two numbers and what they are: of REPORT_INFORMATION.
void report_numbers(const char *what, uint64_t first, const char *between, uint64_t second);
// The line, and why: an error of REPORT_ERROR.
void report_failure(const char *line, error_t error);
