// In front of functions of the loop: the serial port's driver serves and answers, but between its waits, which end at once, it
// uses up time, so that little is left to others. For test_failures.py.
#include "libipc/client/clock.h"
#include "libipc/server/timer.h"

#define TURN UINT64_C(5000000) // nanoseconds

uint64_t __wrap_timer_first(void);
void __wrap_fiber_sweep(void);

uint64_t __wrap_timer_first(void) {
    return 1;
}

void __wrap_fiber_sweep(void) {
    for (uint64_t until = clock_monotonic() + TURN; clock_monotonic() < until;)
        ;
}
