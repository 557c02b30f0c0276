// From _start to main and to exit: relocations, arguments and environment, constructors.
#include <stdlib.h>
#include <unistd.h>

#include "libc/internal/process_end.h"
#include "libc/internal/system.h"

typedef void (*constructor)(void);

extern const constructor __init_array_start[] __attribute__((visibility("hidden")));
extern const constructor __init_array_end[] __attribute__((visibility("hidden")));
extern const constructor __fini_array_start[] __attribute__((visibility("hidden")));
extern const constructor __fini_array_end[] __attribute__((visibility("hidden")));

int main(int argc, char **argv, char **envp);
void start_relocate(void); // libipc/start/relocate.c
_Noreturn void __libc_start(void *argument, void *stack);

void run_destructors(void) {
    for (const constructor *at = __fini_array_end; at > __fini_array_start;)
        (*--at)();
}

_Noreturn void __libc_start(void *argument, void *stack) {
    start_relocate();
    struct start_arguments arguments;
    system_start(argument, stack, &arguments);
    environ = arguments.envp;
    for (const constructor *at = __init_array_start; at < __init_array_end; at++)
        (*at)();
    exit(main(arguments.argc, arguments.argv, arguments.envp));
}
