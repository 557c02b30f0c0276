// ipcbench: measures the kernel's prices: messages, faults, mappings, threads, processes. The measuring is in
// suite.c and the *_cases.c, which run without an FPU; here are the options and the output.
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/abi/capability.h"
#include "libipc/protocols/account.h"
#include "programs/common/proc.h"
#include "programs/common/program.h"
#include "programs/ipcbench/machine.h"
#include "programs/ipcbench/pairs.h"
#include "programs/ipcbench/report.h"

enum { COUNT_DEFAULT = 5000, WARM_UP_DEFAULT = 200, COUNT_LEAST = 20, COUNT_MOST = 10000000 };

enum format { FORMAT_TABLE, FORMAT_CSV, FORMAT_JSON };

static struct {
    enum format format;
    bool histogram, pairs;
    uint32_t count, warm_up;
    const char *raw_path;
    char **names; // what to measure; none: everything
} options = {.count = COUNT_DEFAULT, .warm_up = WARM_UP_DEFAULT};

static FILE *raw;
static bool first_object = true;

static void print_line(const char *line) {
    (void)puts(line);
}

// Objects of a JSON list: a comma before each but the first.
static void print_object(const char *line) {
    (void)printf("%s    %s", first_object ? "" : ",\n", line);
    first_object = false;
}

static bool is_wanted(const struct bench_case *which) {
    if (!options.names || !*options.names)
        return true;
    for (char **name = options.names; *name; name++)
        if (strcmp(*name, which->name) == 0)
            return true;
    return false;
}

static void check_names(void) {
    for (char **name = options.names; name && *name; name++) {
        unsigned index = 0;
        while (index < bench_case_count() && strcmp(*name, bench_case_at(index)->name) != 0)
            index++;
        if (index == bench_case_count())
            program_fail(*name, "no such measurement; `ipcbench --list` names them");
    }
}

static void list(void) {
    for (unsigned index = 0; index < bench_case_count(); index++) {
        const struct bench_case *which = bench_case_at(index);
        (void)printf("%-30s %-10s %s\n", which->name, report_span_name(which->span), which->what);
    }
}

static void print_head(const struct bench *bench) {
    char name[128];
    const char *unit = measure_unit_name(&bench->measure);
    machine_name(name, sizeof(name));
    switch (options.format) {
    case FORMAT_CSV:
        (void)puts(report_csv_header);
        break;
    case FORMAT_JSON:
        (void)printf("{\n  \"cpu\": \"%s\", \"unit\": \"%s\", \"count\": %u, \"warm_up\": %u, "
                     "\"overhead_ticks\": %llu,\n"
                     "  \"measurements\": [\n",
                     name, unit, options.count, options.warm_up, (unsigned long long)bench->measure.overhead);
        break;
    default:
        (void)printf("%s; 1 processor\n"
                     "%u samples after %u of warm-up (long operations: fewer), in %s; the harness's own %llu "
                     "ticks are "
                     "taken off\nthreads without FPU state, priority %llu; a round trip ends when the answer "
                     "is back, one "
                     "way when the other side runs\n\n",
                     name, options.count, options.warm_up, unit, (unsigned long long)bench->measure.overhead,
                     (unsigned long long)bench->priority);
        report_header(print_line, &bench->measure);
    }
}

static void print_result(const struct bench *bench, const struct bench_case *which, uint64_t *samples, uint32_t count) {
    struct summary summary;
    for (uint32_t i = 0; raw && i < count; i++)
        (void)fprintf(raw, "%s,%u,%llu\n", which->name, i, (unsigned long long)samples[i]);
    summary_make(&summary, samples, count);
    if (options.format == FORMAT_CSV)
        report_csv(print_line, which, &bench->measure, &summary);
    else if (options.format == FORMAT_JSON)
        report_json(print_object, which, &bench->measure, &summary);
    else
        report_row(print_line, which, &summary);
    if (options.histogram && options.format == FORMAT_TABLE)
        report_histogram(print_line, samples, &summary);
    (void)fflush(stdout);
}

static int measure_all(struct bench *bench) {
    int status = 0;
    uint64_t *samples = memory_allocate(options.count * sizeof(*samples));
    memset(samples, 0, options.count * sizeof(*samples)); // so that no sample pays for its own place
    for (unsigned index = 0; index < bench_case_count(); index++) {
        const struct bench_case *which = bench_case_at(index);
        if (!is_wanted(which))
            continue;
        struct series series = {.samples = samples, .capacity = options.count / which->divisor, .warm_up = options.warm_up};
        if (series.capacity < COUNT_LEAST)
            series.capacity = COUNT_LEAST < options.count ? COUNT_LEAST : options.count;
        error_t error = bench_run(bench, which, &series);
        if (error) {
            program_error(which->name, "%s", error_text(-error));
            status = 1;
        } else {
            print_result(bench, which, samples, series.capacity);
        }
    }
    free(samples);
    return status;
}

// One row. Waits for the lock are those of the whole machine, with what making and ending the pairs takes.
static struct pairs measure_pairs_once(struct bench *bench, unsigned count) {
    struct pairs pairs;
    uint64_t waits = proc_memory("lock_waits");
    error_t error = pairs_run(bench, count, &pairs);
    if (error)
        program_fail("--pairs", "%s", error_text(-error));
    waits = proc_memory("lock_waits") - waits;
    (void)printf("%5u %12llu %12llu %14llu %12llu\n", count, (unsigned long long)pairs.best, (unsigned long long)pairs.median,
                 (unsigned long long)pairs.slowest, (unsigned long long)waits);
    (void)fflush(stdout);
    return pairs;
}

static void print_factor(const char *name, uint64_t all, uint64_t one) {
    uint64_t hundredths = one ? all * 100 / one : 0;
    (void)printf("factor of the %s: %llu.%02llu\n", name, (unsigned long long)(hundredths / 100),
                 (unsigned long long)(hundredths % 100));
}

static int measure_pairs(struct bench *bench) {
    char name[128];
    unsigned cpus = (unsigned)proc_memory("cpus");
    machine_name(name, sizeof(name));
    (void)printf("%s; %u processors\na pair is a client and a server, two processes on a processor of their "
                 "own; round trips "
                 "per second, a call and its\nanswer with four words each, in 10 windows of 50 ms\n\n"
                 "%5s %12s %12s %14s %12s\n",
                 name, cpus, "pairs", "best", "median", "slowest pair", "lock waits");
    struct pairs one = measure_pairs_once(bench, 1), all = measure_pairs_once(bench, cpus);
    print_factor("bests", all.best, one.best);
    print_factor("medians", all.median, one.median);
    return program_end(0);
}

static uint32_t number_option(const char *text, const char *what, uint32_t least) {
    long long number = number_parse(text, what);
    if (number < least || number > COUNT_MOST)
        program_usage_error("%s: from %u to %u", what, least, COUNT_MOST);
    return (uint32_t)number;
}

static const char *const details =
    "  -H             print a histogram under each row\n"
    "  -c             print comma-separated values (also --csv)\n"
    "  -j             print JSON (also --json)\n"
    "  -l             list the measurements and stop (also --list)\n"
    "  -n COUNT       samples of each (5000)\n"
    "  -w COUNT       samples before these that are dropped (200)\n"
    "  -r FILE        write every sample to FILE, as name,index,value (also --raw FILE)\n"
    "  -p             throughput of pairs on several processors (also --pairs: one pair on each)\n";

// The long names that documents use, as the letters that program_option() knows.
static void shorten_options(char **argv) {
    static const struct {
        const char *name;
        const char *letter;
    } pairs[] = {{"--csv", "-c"}, {"--json", "-j"}, {"--list", "-l"}, {"--raw", "-r"}, {"--pairs", "-p"}};
    for (char **argument = argv + 1; *argument; argument++)
        for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
            if (strcmp(*argument, pairs[i].name) == 0)
                *argument = (char *)(uintptr_t)pairs[i].letter;
}

static void parse(int argc, char **argv) {
    int option;
    shorten_options(argv);
    program_start(argc, argv, "[-Hcj] [-n COUNT] [-w COUNT] [-r FILE] [NAME]...", details);
    while ((option = program_option("Hcjln:w:r:p")) != -1) {
        switch (option) {
        case 'H':
            options.histogram = true;
            break;
        case 'c':
            options.format = FORMAT_CSV;
            break;
        case 'j':
            options.format = FORMAT_JSON;
            break;
        case 'l':
            list();
            exit(program_end(0));
        case 'n':
            options.count = number_option(program_argument, "COUNT", 1);
            break;
        case 'w':
            options.warm_up = number_option(program_argument, "COUNT", 0);
            break;
        case 'r':
            options.raw_path = program_argument;
            break;
        default:
            options.pairs = true;
        }
    }
    options.names = program_operands;
    check_names();
    if (options.pairs && proc_memory("cpus") < 2)
        program_fail("--pairs", "needs more than one processor");
}

int main(int argc, char **argv) {
    struct bench bench;
    uint64_t highest;
    parse(argc, argv);
    if (options.raw_path && !(raw = fopen(options.raw_path, "w"))) {
        program_errno(options.raw_path);
        return 1;
    }
    error_t error = account_information(SLOT_ACCOUNT, NULL, NULL, NULL, &highest);
    if (!error)
        error = bench_start(&bench, highest);
    if (error)
        program_fail(NULL, "can't make what is measured: %s", error_text(-error));
    if (options.pairs)
        return measure_pairs(&bench);
    print_head(&bench);
    int status = measure_all(&bench);
    if (options.format == FORMAT_JSON)
        (void)puts("\n  ]\n}");
    if (raw && fclose(raw) != 0) {
        program_errno(options.raw_path);
        status = 1;
    }
    return program_end(status);
}
