// In front of functions of log, for builds of it that hang while they hand over what they know (STUCK_GIVES) or take it up
// (STUCK_TAKES), or that take five seconds to hand it over (SLOW_GIVES). For test_reload.py.
#include "libipc/client/clock.h"
#include "libipc/server/fiber.h"
#include "servers/log/state.h"

#if defined(STUCK_GIVES) || defined(STUCK_TAKES)
static struct fiber_wait_queue nobody;
#endif

error_t __real_log_give(struct handover *handover);
error_t __real_log_take(struct handover *handover);
error_t __wrap_log_give(struct handover *handover);
error_t __wrap_log_take(struct handover *handover);

error_t __wrap_log_give(struct handover *handover) {
#if defined(STUCK_GIVES)
    for (;;)
        fiber_wait_always(&nobody);
#elif defined(SLOW_GIVES)
    static bool has_waited; // it is asked again, with more room
    error_t ignored = has_waited ? ERR_OK : fiber_sleep_until(clock_monotonic() + 5 * UINT64_C(1000000000));
    (void)ignored;
    has_waited = true;
#endif
    return __real_log_give(handover);
}

error_t __wrap_log_take(struct handover *handover) {
#if defined(STUCK_TAKES)
    for (;;)
        fiber_wait_always(&nobody);
#endif
    return __real_log_take(handover);
}
