// Formatting of figures; see report.h. Whole numbers only.
#include "programs/ipcbench/report.h"

#include <stdio.h>

enum { LINE_BYTES = 200 };

const char report_csv_header[] = "name,unit,count,min,median,p99,p999,max";

const char *report_span_name(enum bench_span span) {
    static const char *const names[] = {"round trip", "one way", "whole"};
    return names[span];
}

void report_header(report_line *line, const struct measure *measure) {
    char text[LINE_BYTES];
    snprintf(text, sizeof(text), "%-30s %-10s %7s %9s %9s %9s %9s %10s  %s", "name", "span", "count", "min",
             "median", "p99", "p99.9", "max", measure_unit_name(measure));
    line(text);
}

void report_row(report_line *line, const struct bench_case *which, const struct summary *summary) {
    char text[LINE_BYTES];
    snprintf(text, sizeof(text), "%-30s %-10s %7u %9llu %9llu %9llu %9llu %10llu", which->name,
             report_span_name(which->span), summary->count, (unsigned long long)summary->min,
             (unsigned long long)summary->median, (unsigned long long)summary->p99,
             (unsigned long long)summary->p999, (unsigned long long)summary->max);
    line(text);
}

void report_csv(report_line *line, const struct bench_case *which, const struct measure *measure,
                const struct summary *summary) {
    char text[LINE_BYTES];
    snprintf(text, sizeof(text), "%s,%s,%u,%llu,%llu,%llu,%llu,%llu", which->name, measure_unit_name(measure),
             summary->count, (unsigned long long)summary->min, (unsigned long long)summary->median,
             (unsigned long long)summary->p99, (unsigned long long)summary->p999,
             (unsigned long long)summary->max);
    line(text);
}
