// counter: the client of docs/write-a-server.md. `counter` prints the number, `counter add N` adds to it,
// `counter wait N` waits until it is at least N, `counter echo TEXT` prints the text as the server gives it
// back.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libipc/protocols/counter.h"
#include "libipc/start/start.h"

static int fail(const char *what, error_t error) {
    fprintf(stderr, "counter: %s: %s\n", what, strerror(-error));
    return 1;
}

static int number(const char *text, uint64_t *value) {
    char *end;
    errno = 0;
    *value = strtoull(text, &end, 10);
    return errno == 0 && end != text && *end == '\0';
}

static int print_value(error_t error, uint64_t value) {
    if (error != ERR_OK)
        return fail("the server", error);
    printf("%llu\n", (unsigned long long)value);
    return 0;
}

static int echo(cap_t session, const char *text) {
    char answer[COUNTER_ECHO_ANSWER_MAX];
    uint64_t count;
    size_t length = strlen(text);
    if (length > COUNTER_ECHO_TEXT_MAX)
        return fail("TEXT", ERR_TOO_BIG);
    error_t error = counter_echo(session, text, length, answer, sizeof(answer), &count);
    if (error != ERR_OK)
        return fail("the server", error);
    printf("%.*s\n", (int)count, answer);
    return 0;
}

int main(int argc, char **argv) {
    cap_t session = startup_capability("counter");
    uint64_t value = 0, argument;
    if (session == 0)
        return fail("no session of it was handed to this program", ERR_NOT_FOUND);
    if (argc == 1) {
        error_t error = counter_value(session, &value);
        return print_value(error, value);
    }
    if (argc == 3 && strcmp(argv[1], "echo") == 0)
        return echo(session, argv[2]);
    if (argc == 3 && number(argv[2], &argument) && strcmp(argv[1], "add") == 0) {
        error_t error = counter_add(session, argument, &value);
        return print_value(error, value);
    }
    if (argc == 3 && number(argv[2], &argument) && strcmp(argv[1], "wait") == 0) {
        error_t error = counter_wait(session, argument, &value);
        return print_value(error, value);
    }
    fputs("usage: counter [add N | wait N | echo TEXT]\n", stderr);
    return 2;
}
