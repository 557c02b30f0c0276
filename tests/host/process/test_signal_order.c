// A program's word to the server about its signals (libc/system/signal.c), judged after every message by the server's own rule:
// one that was ignored or caught, and will be, never ends the program in between.
#include "libipc/protocols/account.h"
#include "servers/process/table.h"
#include "tests/host/cmocka_test.h"
#include "tests/host/process/signal_steps.h"

static struct program program;
static uint64_t messages;
static bool settled; // both before and after the step the signal is ignored or caught

static void judge(void) {
    messages++;
    if (settled)
        assert_int_not_equal(program_signal_action(&program, SIGNAL_INTERRUPT), SIGNAL_END);
}

error_t task_set_ignored(cap_t task, uint64_t signals) {
    (void)task;
    program.ignored = signals;
    judge();
    return ERR_OK;
}

error_t task_set_caught(cap_t task, uint64_t signals, cap_t notification) {
    (void)task;
    program.caught_by = notification != 0 ? notification : program.caught_by;
    assert_int_not_equal(program.caught_by, 0);
    program.caught = signals;
    judge();
    return ERR_OK;
}

error_t account_create_notification(cap_t account, cap_t *notification) {
    (void)account;
    *notification = 7;
    judge();
    return ERR_OK;
}

static void step(enum signal_step what, bool both_settled, enum signal_action wanted) {
    settled = both_settled;
    assert_int_equal(signal_step(SIGNAL_INTERRUPT, what), ERR_OK);
    assert_int_equal(program_signal_action(&program, SIGNAL_INTERRUPT), wanted);
}

static void test_never_neither(void **state) {
    (void)state;
    for (int round = 0; round < 2; round++) { // with and without a notification that is there already
        step(SIGNAL_STEP_IGNORE, false, SIGNAL_IGNORE);
        step(SIGNAL_STEP_CATCH, true, SIGNAL_CATCH);
        step(SIGNAL_STEP_IGNORE, true, SIGNAL_IGNORE);
        step(SIGNAL_STEP_CATCH, true, SIGNAL_CATCH);
        step(SIGNAL_STEP_DEFAULT, false, SIGNAL_END);
        step(SIGNAL_STEP_CATCH, false, SIGNAL_CATCH);
        step(SIGNAL_STEP_DEFAULT, false, SIGNAL_END);
    }
    assert_true(messages > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_never_neither)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
