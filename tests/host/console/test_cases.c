// The terminal engine against the cases of cases/*.case: each as a whole, where what it changes is watched,
// and byte by byte, where it must stay sound. Prints TAP.
//
// `test-console-cases --write FILE` prints the file with what the engine does in place of what is expected,
// for new cases: read the result before it is believed.
#include <stdlib.h>
#include <string.h>

#include "tests/host/console/case_file.h"
#include "tests/host/console/terminal_harness.h"

static void run_steps(const struct terminal_case *one, struct harness *harness, bool by_byte, bool *sound) {
    harness_start(harness, one->rows, one->columns);
    *sound = true;
    for (unsigned i = 0; i < one->step_count; i++) {
        const struct case_step *step = &one->steps[i];
        const char *bytes = one->bytes + step->start;
        if (step->is_resize)
            harness_resize(harness, step->rows, step->columns);
        else if (!by_byte)
            harness_write_watched(harness, bytes, step->length);
        for (size_t at = 0; by_byte && !step->is_resize && at < step->length; at++) {
            harness_write(harness, bytes + at, 1);
            *sound = *sound && harness_sound(harness);
        }
        *sound = *sound && harness_sound(harness);
    }
}

// What went wrong with it, or NULL. `got`: what came of it.
static const char *try_case(const struct terminal_case *one, char *got) {
    static char again[CASE_TEXT];
    struct harness harness;
    bool sound;
    run_steps(one, &harness, false, &sound);
    harness_tell(&harness, got);
    bool unannounced = harness.unannounced;
    harness_end(&harness);
    if (!sound)
        return "unsound";
    if (unannounced)
        return "something changed that was not announced";
    run_steps(one, &harness, true, &sound);
    harness_tell(&harness, again);
    harness_end(&harness);
    if (!sound)
        return "unsound, byte by byte";
    if (strcmp(got, again) != 0)
        return "byte by byte it gives something else";
    return strcmp(got, one->expected) == 0 ? NULL : "not what is expected";
}

static void print_lines(const char *label, const char *text) {
    printf("# %s\n", label);
    for (const char *at = text; *at != 0; at += strcspn(at, "\n") + 1)
        printf("#   %.*s\n", (int)strcspn(at, "\n"), at);
}

static unsigned run_file(const char *path, unsigned *number) {
    static struct terminal_case one;
    static char got[CASE_TEXT];
    unsigned line = 0, failed = 0;
    const char *error;
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        printf("Bail out! %s can't be read\n", path);
        exit(1);
    }
    while (case_read(file, &line, &one, &error)) {
        const char *wrong = try_case(&one, got);
        printf("%sok %u - %s\n", wrong != NULL ? "not " : "", ++*number, one.name);
        if (wrong == NULL)
            continue;
        failed++;
        printf("# %s:%u: %s\n", path, one.line, wrong);
        print_lines("expected", one.expected);
        print_lines("got", got);
    }
    if (error != NULL) {
        printf("Bail out! %s:%u: %s\n", path, line, error);
        exit(1);
    }
    (void)fclose(file);
    return failed;
}

// The file's own lines, up to where a case's expectations begin, then the engine's.
static int write_file(const char *path) {
    static struct terminal_case one;
    static char got[CASE_TEXT], text[CASE_BYTES];
    unsigned line = 0, read = 0;
    const char *error;
    FILE *cases = fopen(path, "r"), *lines = fopen(path, "r");
    if (cases == NULL || lines == NULL)
        return 1;
    while (case_read(cases, &line, &one, &error)) {
        while (read < line && fgets(text, sizeof(text), lines) != NULL) {
            read++;
            if (read < one.line || strncmp(text, "case ", 5) == 0 || strncmp(text, "in ", 3) == 0 ||
                strncmp(text, "resize ", 7) == 0 || strncmp(text, "size ", 5) == 0 || strncmp(text, "differs ", 8) == 0 ||
                text[0] == '#')
                (void)fputs(text, stdout);
        }
        (void)try_case(&one, got);
        printf("%s\n", got);
    }
    (void)fclose(cases);
    (void)fclose(lines);
    if (error != NULL)
        (void)fprintf(stderr, "%s:%u: %s\n", path, line, error);
    return error != NULL;
}

int main(int argc, char **argv) {
    unsigned number = 0, failed = 0;
    if (argc == 3 && strcmp(argv[1], "--write") == 0)
        return write_file(argv[2]);
    for (int i = 1; i < argc; i++)
        failed += run_file(argv[i], &number);
    printf("1..%u\n", number);
    return failed != 0;
}
