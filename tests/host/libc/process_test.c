// process/ and the environment: spawning, scripts, PATH, and setenv against the host's.
#define _GNU_SOURCE
#define ADAPTER_PREFIXED
#include "tests/host/libc/compare.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/host/libc/adapter.h"

extern char *keelson_getenv(const char *);
extern int keelson_setenv(const char *, const char *, int), keelson_unsetenv(const char *), keelson_putenv(char *),
    keelson_clearenv(void), keelson_mkstemp(char *), keelson_system(const char *);
extern char **keelson_environ;

static char folder[] = "/tmp/libc-process-XXXXXX", output[64];

static const char *printed(void) {
    static char text[1024];
    FILE *file = fopen(output, "r");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    return text;
}

static void write_file(const char *path, const char *text) {
    FILE *file = fopen(path, "w");
    fputs(text, file);
    fclose(file);
    chmod(path, 0700);
}

static void spawning(void **state) {
    (void)state;
    char *shell[] = {(char *)(uintptr_t) "/bin/sh", (char *)(uintptr_t) "-c", (char *)(uintptr_t) "echo $NAME; exit 7", NULL};
    char *environment[] = {(char *)(uintptr_t) "NAME=value", NULL};
    assert_int_equal(adapter_spawn(shell, environment, output, 0), 7);
    assert_string_equal(printed(), "value\n");
    shell[2] = (char *)(uintptr_t) "kill -9 $$";
    assert_int_equal(adapter_spawn(shell, environment, output, 0), 1009);
    char *missing[] = {(char *)(uintptr_t) "/nonexistent", NULL};
    assert_int_equal(adapter_spawn(missing, environment, output, 0), -2);
    char *search[] = {(char *)(uintptr_t) "echo", (char *)(uintptr_t) "found", NULL};
    keelson_setenv("PATH", "/nonexistent:/bin", 1);
    assert_int_equal(adapter_spawn(search, environment, output, 1), 0);
    assert_string_equal(printed(), "found\n");
    search[0] = (char *)(uintptr_t) "no-such-program";
    assert_int_equal(adapter_spawn(search, environment, output, 1), -2);
}

// The kernel below runs "#!" itself; what has no such line comes back as "not executable", and is
// posix_spawnp's to give to the shell.
static void scripts(void **state) {
    (void)state;
    char path[80];
    char *argv[] = {path, (char *)(uintptr_t) "argument", NULL}, *environment[] = {NULL};
    snprintf(path, sizeof path, "%s/script", folder);
    write_file(path, "#!/bin/sh\necho script $1\n");
    assert_int_equal(adapter_spawn(argv, environment, output, 0), 0);
    assert_string_equal(printed(), "script argument\n");
    write_file(path, "echo plain $1\n");
    assert_int_equal(adapter_spawn(argv, environment, output, 0), -8);
    assert_int_equal(adapter_spawn(argv, environment, output, 1), 0);
    assert_string_equal(printed(), "plain argument\n");
    unlink(path);
}

static void environment(void **state) {
    (void)state;
    keelson_clearenv(); // the host's stays: it tells cmocka how to report
    for (int i = 0; i < 20000; i++) {
        char name[8], value[16];
        snprintf(name, sizeof name, "N%u", random_below(40));
        snprintf(value, sizeof value, "%u", random_below(1000000));
        switch (random_below(3)) {
        case 0:
            assert_int_equal(keelson_unsetenv(name), unsetenv(name));
            break;
        default: {
            int overwrite = (int)random_below(2);
            assert_int_equal(keelson_setenv(name, value, overwrite), setenv(name, value, overwrite));
            break;
        }
        }
        const char *a = keelson_getenv(name), *b = getenv(name);
        assert_true((a == NULL) == (b == NULL));
        if (a != NULL)
            assert_string_equal(a, b);
    }
    static char own[] = "OWN=mine";
    assert_int_equal(keelson_putenv(own), 0);
    assert_ptr_equal(keelson_getenv("OWN"), own + 4);
    assert_int_equal(keelson_setenv("A=B", "x", 1), -1);
    assert_int_equal(keelson_setenv("", "x", 1), -1);
    assert_int_equal(OUR_ERRNO, 22);
    keelson_clearenv();
    assert_null(keelson_getenv("OWN"));
}

static void temporary(void **state) {
    (void)state;
    char path[80];
    snprintf(path, sizeof path, "%s/XXXXXX", folder);
    int fd = keelson_mkstemp(path);
    assert_true(fd >= 0);
    unsigned mode;
    long size;
    assert_int_equal(adapter_status(path, &mode, &size), 0);
    assert_int_equal(mode, S_IFREG | 0600);
    close(fd);
    unlink(path);
    assert_int_equal(keelson_mkstemp(output), -1);
    assert_int_equal(keelson_system("exit 5") >> 8, 5);
}

static int set_up(void **state) {
    (void)state;
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(output, sizeof output, "%s/output", folder);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    unlink(output);
    return rmdir(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spawning),
        cmocka_unit_test(scripts),
        cmocka_unit_test(environment),
        cmocka_unit_test(temporary),
    };
    return cmocka_run_group_tests_name("libc_process", tests, set_up, tear_down);
}
