// The end of a process: the functions that atexit registered, newest first, then the destructors, then the
// streams. quick_exit runs its own list only.
#include <stdlib.h>
#include <unistd.h>

#include "libc/internal/system.h"
#include "libc/internal/process_end.h"

struct exit_list {
    void (**functions)(void);
    size_t count, capacity;
    void (*first[32])(void); // the count that C17 7.22.4.2 promises needs no memory
};

static struct exit_list at_exit, at_quick;

static int exit_list_add(struct exit_list *list, void (*function)(void)) {
    if (list->functions == NULL) {
        list->functions = list->first;
        list->capacity = sizeof list->first / sizeof list->first[0];
    }
    if (list->count == list->capacity) {
        void (**larger)(void) = malloc(list->capacity * 2 * sizeof *larger);
        if (larger == NULL)
            return -1;
        for (size_t i = 0; i < list->count; i++)
            larger[i] = list->functions[i];
        if (list->functions != list->first)
            free(list->functions);
        list->functions = larger;
        list->capacity *= 2;
    }
    list->functions[list->count++] = function;
    return 0;
}

static void exit_list_run(struct exit_list *list) {
    while (list->count > 0) // a function may register another
        list->functions[--list->count]();
}

int atexit(void (*function)(void)) {
    return exit_list_add(&at_exit, function);
}

int at_quick_exit(void (*function)(void)) {
    return exit_list_add(&at_quick, function);
}

void exit(int status) {
    exit_list_run(&at_exit);
    if (run_destructors != NULL)
        run_destructors();
    if (stream_flush_all != NULL)
        stream_flush_all();
    _Exit(status);
}

void quick_exit(int status) {
    exit_list_run(&at_quick);
    _Exit(status);
}

void _Exit(int status) {
    system_exit(status & 0xff);
}

void _exit(int status) {
    _Exit(status);
}
