// One program for all ext2 host tests: `test_ext2 SUITE [--seeds N] [--first N] [--directory D]`. Each suite
// prints a line of what it did.
#include <string.h>
#include <unistd.h>

#include "tests/host/ext2/test_ext2.h"

static int usage(void) {
    fprintf(stderr, "usage: test_ext2 random|corruption|crash|faults|special|bench [--seeds N] [--first N] "
                    "[--directory D]\n"
                    "       test_ext2 dump IMAGE [CACHE_BYTES]\n");
    return 2;
}

int main(int argc, char **argv) {
    static const struct {
        const char *name;
        int (*function)(const struct test_run *);
    } suites[] = {{"random", test_random},   {"corruption", test_corruption}, {"crash", test_crash},  {"faults", test_faults},
                  {"special", test_special}, {"bench", test_bench},           {"damage", tool_damage}};
    char directory[] = "/tmp/ext2-test-XXXXXX";
    struct test_run run = {.first_seed = 1, .seeds = 20};
    if (argc < 2)
        return usage();
    if (strcmp(argv[1], "dump") == 0)
        return argc < 3 ? usage() : tool_dump(argv[2], argc > 3 ? strtoull(argv[3], NULL, 0) : 4 << 20);
    for (int i = 2; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--seeds") == 0)
            run.seeds = (uint32_t)strtoul(argv[i + 1], NULL, 0);
        else if (strcmp(argv[i], "--first") == 0)
            run.first_seed = strtoull(argv[i + 1], NULL, 0);
        else if (strcmp(argv[i], "--directory") == 0)
            run.directory = argv[i + 1];
        else
            return usage();
    }
    bool own = !run.directory;
    if (own)
        run.directory = mkdtemp(directory);
    for (size_t i = 0; i < sizeof suites / sizeof suites[0]; i++)
        if (strcmp(argv[1], suites[i].name) == 0) {
            int result = suites[i].function(&run);
            if (host_stack_used)
                printf("%s: fibers took at most %u bytes of stack\n", argv[1], host_stack_used);
            if (own && result == 0) {
                char command[300];
                snprintf(command, sizeof command, "rm -rf '%s'", run.directory);
                (void)!system(command);
            }
            return result;
        }
    return usage();
}
