// Figures as text, a line at a time: the table, CSV, JSON, the histogram. The caller gives the place that
// lines go to, so that the program prints them and the bare benchmark logs them.
#pragma once

#include <stdint.h>

#include "programs/ipcbench/suite.h"

// Takes one line without its end. NUL-terminated.
typedef void report_line(const char *line);

void report_header(report_line *line, const struct measure *measure);
void report_row(report_line *line, const struct bench_case *which, const struct summary *summary);

// One figure as `name,unit,count,min,median,p99,p999,max`.
extern const char report_csv_header[];
void report_csv(report_line *line, const struct bench_case *which, const struct measure *measure, const struct summary *summary);

const char *report_span_name(enum bench_span span);

// The spread of sorted samples in lines of equal steps up to p99; what lies above is one line.
void report_histogram(report_line *line, const uint64_t *sorted, const struct summary *summary);

// One figure as a JSON object, without a comma after it.
void report_json(report_line *line, const struct bench_case *which, const struct measure *measure, const struct summary *summary);
