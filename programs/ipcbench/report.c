// Formatting of figures; see report.h. Whole numbers only.
#include "programs/ipcbench/report.h"

#include <stdio.h>

enum { LINE_BYTES = 200, BINS = 16, BAR_LENGTH = 50 };

const char report_csv_header[] = "name,unit,count,min,median,p99,p999,max";

const char *report_span_name(enum bench_span span) {
    static const char *const names[] = {"round trip", "one way", "whole"};
    return names[span];
}

void report_header(report_line *line, const struct measure *measure) {
    char text[LINE_BYTES];
    snprintf(text, sizeof(text), "%-30s %-10s %7s %9s %9s %9s %9s %10s  %s", "name", "span", "count", "min", "median", "p99",
             "p99.9", "max", measure_unit_name(measure));
    line(text);
}

void report_row(report_line *line, const struct bench_case *which, const struct summary *summary) {
    char text[LINE_BYTES];
    snprintf(text, sizeof(text), "%-30s %-10s %7u %9llu %9llu %9llu %9llu %10llu", which->name, report_span_name(which->span),
             summary->count, (unsigned long long)summary->min, (unsigned long long)summary->median,
             (unsigned long long)summary->p99, (unsigned long long)summary->p999, (unsigned long long)summary->max);
    line(text);
}

void report_csv(report_line *line, const struct bench_case *which, const struct measure *measure, const struct summary *summary) {
    char text[LINE_BYTES];
    snprintf(text, sizeof(text), "%s,%s,%u,%llu,%llu,%llu,%llu,%llu", which->name, measure_unit_name(measure), summary->count,
             (unsigned long long)summary->min, (unsigned long long)summary->median, (unsigned long long)summary->p99,
             (unsigned long long)summary->p999, (unsigned long long)summary->max);
    line(text);
}

// Samples in [from, to), which must be asked for in rising order: `at` moves along.
static uint32_t samples_below(const uint64_t *sorted, uint32_t count, uint64_t to, uint32_t *at) {
    uint32_t first = *at;
    while (*at < count && sorted[*at] < to)
        (*at)++;
    return *at - first;
}

static void histogram_line(report_line *line, const char *label, uint32_t in_bin, uint32_t count) {
    char bar[BAR_LENGTH + 1], text[LINE_BYTES];
    uint32_t length = (uint32_t)(((uint64_t)in_bin * BAR_LENGTH + count - 1) / count); // no sample stays invisible
    for (uint32_t i = 0; i < length; i++)
        bar[i] = '#';
    bar[length] = '\0';
    snprintf(text, sizeof(text), "    %22s %8u %s", label, in_bin, bar);
    line(text);
}

void report_histogram(report_line *line, const uint64_t *sorted, const struct summary *summary) {
    uint64_t width = (summary->p99 - summary->min) / BINS + 1;
    uint32_t at = 0;
    char label[48];
    for (uint64_t from = summary->min; from <= summary->p99; from += width) {
        uint32_t in_bin = samples_below(sorted, summary->count, from + width, &at);
        if (width == 1)
            snprintf(label, sizeof(label), "%llu", (unsigned long long)from);
        else
            snprintf(label, sizeof(label), "%llu to %llu", (unsigned long long)from, (unsigned long long)(from + width - 1));
        histogram_line(line, label, in_bin, summary->count);
    }
    if (at < summary->count)
        histogram_line(line, "above", summary->count - at, summary->count);
}

void report_json(report_line *line, const struct bench_case *which, const struct measure *measure,
                 const struct summary *summary) {
    char text[2 * LINE_BYTES];
    snprintf(text, sizeof(text),
             "{\"name\": \"%s\", \"span\": \"%s\", \"what\": \"%s\", \"unit\": \"%s\", \"count\": %u, "
             "\"min\": %llu, "
             "\"median\": %llu, \"p99\": %llu, \"p999\": %llu, \"max\": %llu}",
             which->name, report_span_name(which->span), which->what, measure_unit_name(measure), summary->count,
             (unsigned long long)summary->min, (unsigned long long)summary->median, (unsigned long long)summary->p99,
             (unsigned long long)summary->p999, (unsigned long long)summary->max);
    line(text);
}
