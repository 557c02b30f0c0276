// The rules of programs: ids, wait, groups, sessions, names, signals (POSIX.1-2017).
#include <stdlib.h>
#include <string.h>

#include "servers/process/table.h"
#include "tests/host/cmocka_test.h"

static struct program_table *table;
static const struct caller service = {.owner = UINT64_C(1) << 63 | 7, .id = PROGRAM_ID_SYSTEM};
static const struct caller other_service = {.owner = UINT64_C(1) << 63 | 8, .id = PROGRAM_ID_SYSTEM};

static int set_up(void **state) {
    (void)state;
    table = calloc(1, sizeof(*table));
    assert_false(program_table_open(table));
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    free(table);
    return 0;
}

static struct caller as(struct program *program) {
    return (struct caller){
        .program = program, .id = program->id, .group = program->group, .session = program->session, .user = program->user};
}

static struct program *make(const struct caller *parent) {
    struct program *program;
    assert_int_equal(program_allocate(table, parent, &program), ERR_OK);
    program->state = TASK_STATE_RUNNING;
    return program;
}

static void end(struct program *program, uint32_t code) {
    program->state = TASK_STATE_ENDED;
    program->end_code = code;
}

static void test_family(void **state) {
    (void)state;
    struct program *shell = make(&service);
    struct caller shell_caller = as(shell);
    struct program *child = make(&shell_caller);
    assert_int_equal(shell->session, shell->id); // leads a session of its own
    assert_int_equal(child->parent, shell->id);
    assert_int_equal(child->session, shell->id);
    assert_int_equal(child->group, shell->id);
    assert_ptr_equal(program_find(table, child->id), child);
    assert_null(program_find(table, 0));
    assert_null(program_find(table, 1));
    assert_ptr_equal(program_after(table, 0), shell);
    assert_ptr_equal(program_after(table, shell->id), child);
    assert_null(program_after(table, child->id));
    assert_true(program_is_child(shell, &service) && !program_is_child(shell, &other_service));
    assert_true(program_is_child(child, &shell_caller) && !program_is_child(child, &service));
    assert_true(program_has_waiter(shell));
    shell->owner = 0;
    assert_false(program_has_waiter(shell));
}

static void test_full(void **state) {
    (void)state;
    struct program *program = NULL;
    for (uint32_t i = 0; i < PROGRAMS_MAX; i++)
        program = make(&service);
    struct program *none;
    assert_int_equal(program_allocate(table, &service, &none), ERR_AGAIN);
    uint32_t id = program->id;
    program_free(program);
    program = make(&service);
    assert_true(program->id > id); // ids are not used again
    table->last_id = PROGRAM_ID_LAST;
    program_free(program);
    assert_int_equal(make(&service)->id, id); // from the start, past those in use
}

static void test_wait(void **state) {
    (void)state;
    struct program *shell = make(&service), *found;
    struct caller caller = as(shell);
    assert_int_equal(program_wait_select(table, &caller, -1, 0, &found), ERR_NO_CHILD);
    struct program *one = make(&caller), *two = make(&caller);
    two->group = two->id;
    assert_int_equal(program_wait_select(table, &caller, -1, 0, &found), ERR_OK);
    assert_null(found);
    end(two, 3);
    assert_int_equal(program_wait_select(table, &caller, -1, 0, &found), ERR_OK);
    assert_ptr_equal(found, two);
    assert_int_equal(program_wait_select(table, &caller, one->id, 0, &found), ERR_OK);
    assert_null(found);
    assert_int_equal(program_wait_select(table, &caller, 0, 0, &found), ERR_OK); // the caller's group: one
    assert_null(found);
    assert_int_equal(program_wait_select(table, &caller, -(int64_t)two->id, 0, &found), ERR_OK);
    assert_ptr_equal(found, two);
    assert_int_equal(program_wait_select(table, &caller, shell->id, 0, &found), ERR_NO_CHILD);
    end(one, 4);
    assert_int_equal(program_wait_select(table, &caller, -1, 0, &found), ERR_OK);
    assert_ptr_equal(found, one); // the older first
    program_free(one);
    program_free(two);
    assert_int_equal(program_wait_select(table, &caller, -1, 0, &found), ERR_NO_CHILD);
    assert_int_equal(program_wait_select(table, &service, -1, 0, &found), ERR_OK); // the shell runs
    assert_null(found);
}

static void test_wait_stopped(void **state) {
    (void)state;
    struct program *shell = make(&service), *found;
    struct caller caller = as(shell);
    struct program *child = make(&caller);
    child->state = TASK_STATE_STOPPED;
    child->news = NEWS_STOPPED;
    child->end_code = 20;
    assert_int_equal(program_wait_select(table, &caller, -1, 0, &found), ERR_OK);
    assert_null(found);
    assert_int_equal(program_wait_select(table, &caller, -1, WAIT_FLAG_STOPPED, &found), ERR_OK);
    assert_ptr_equal(found, child);
    struct task_end told;
    program_describe_end(child, &told);
    assert_int_equal(told.kind, EXIT_KIND_STOPPED);
    assert_int_equal(told.code, 20);
    child->news = NEWS_CONTINUED;
    assert_int_equal(program_wait_select(table, &caller, -1, WAIT_FLAG_STOPPED, &found), ERR_OK);
    assert_null(found);
    assert_int_equal(program_wait_select(table, &caller, -1, WAIT_FLAG_CONTINUED, &found), ERR_OK);
    assert_ptr_equal(found, child);
}

static void test_groups(void **state) {
    (void)state;
    struct program *shell = make(&service), *stranger = make(&service);
    struct caller caller = as(shell);
    struct program *one = make(&caller), *two = make(&caller);
    assert_int_equal(program_set_group(table, &caller, 0, 0), ERR_NOT_PERMITTED); // a session's leader
    assert_int_equal(program_set_group(table, &caller, one->id, 0), ERR_OK);
    assert_int_equal(one->group, one->id);
    assert_int_equal(program_set_group(table, &caller, two->id, one->id), ERR_OK);
    assert_int_equal(two->group, one->id);
    assert_int_equal(program_set_group(table, &caller, two->id, 99999), ERR_NOT_PERMITTED);
    assert_int_equal(program_set_group(table, &caller, two->id, stranger->id), ERR_NOT_PERMITTED);
    assert_int_equal(program_set_group(table, &caller, stranger->id, 0), ERR_NO_PROCESS);
    assert_int_equal(program_set_group(table, &caller, 12345, 0), ERR_NO_PROCESS);
    assert_int_equal(program_set_group(table, &caller, two->id, UINT64_C(1) << 40), ERR_INVALID);
    struct caller child = as(two);
    assert_int_equal(program_set_group(table, &child, 0, two->id), ERR_OK); // oneself
    assert_int_equal(program_set_group(table, &child, one->id, 0), ERR_NO_PROCESS);
    assert_true(program_group_exists(table, one->id, 0));
    end(one, 0);
    assert_false(program_group_exists(table, one->id, 0));
    assert_int_equal(program_set_group(table, &caller, two->id, one->id), ERR_OK); // it was not waited for yet
}

static void test_sessions(void **state) {
    (void)state;
    struct program *shell = make(&service);
    struct caller caller = as(shell);
    assert_int_equal(program_new_session(table, &caller), ERR_NOT_PERMITTED);
    struct program *child = make(&caller);
    caller = as(child);
    assert_int_equal(program_new_session(table, &caller), ERR_OK);
    assert_int_equal(child->session, child->id);
    assert_int_equal(child->group, child->id);
    caller = as(child);
    assert_int_equal(program_new_session(table, &caller), ERR_NOT_PERMITTED);
    assert_int_equal(program_new_session(table, &service), ERR_NOT_PERMITTED);
    struct program *fresh = make(&service); // asked for before its start, as spawn does
    fresh->state = TASK_STATE_EMPTY;
    caller = as(fresh);
    assert_int_equal(program_new_session(table, &caller), ERR_OK);
}

static void test_names(void **state) {
    (void)state;
    struct program *program = make(&service);
    program_set_name(program, "/bin/ls\0-l\0/tmp", 15);
    assert_string_equal(program->name, "ls");
    assert_memory_equal(program->arguments, "/bin/ls\0-l\0/tmp\0", 16);
    program_set_name(program, "plain", 5);
    assert_string_equal(program->name, "plain");
    assert_string_equal(program->arguments, "plain");
    program_set_name(program, "dir/", 4);
    assert_string_equal(program->name, "dir/");
    program_set_name(program, "", 0);
    assert_string_equal(program->name, "");
    char text[600];
    memset(text, 'x', sizeof(text));
    program_set_name(program, text, sizeof(text));
    assert_int_equal(strlen(program->name), PROGRAM_NAME_BYTES - 1);
    assert_int_equal(strlen(program->arguments), PROGRAM_ARGUMENT_BYTES - 1);
}

static void test_signals(void **state) {
    (void)state;
    assert_int_equal(signal_default_action(2), SIGNAL_END);
    assert_int_equal(signal_default_action(9), SIGNAL_END);
    assert_int_equal(signal_default_action(15), SIGNAL_END);
    assert_int_equal(signal_default_action(17), SIGNAL_IGNORE);
    assert_int_equal(signal_default_action(28), SIGNAL_IGNORE);
    assert_int_equal(signal_default_action(18), SIGNAL_CONTINUE);
    assert_int_equal(signal_default_action(20), SIGNAL_STOP);
    struct program *root = make(&service), *user = make(&service), *other = make(&service);
    other->ignored = ~UINT64_C(0);
    assert_int_equal(program_signal_action(other, 2), SIGNAL_IGNORE);
    assert_int_equal(program_signal_action(other, 20), SIGNAL_IGNORE);
    assert_int_equal(program_signal_action(other, 9), SIGNAL_END);
    assert_int_equal(program_signal_action(other, 19), SIGNAL_STOP);
    assert_int_equal(program_signal_action(other, 18), SIGNAL_CONTINUE);
    other->ignored = 1 << (15 - 1);
    assert_int_equal(program_signal_action(other, 15), SIGNAL_IGNORE);
    assert_int_equal(program_signal_action(other, 14), SIGNAL_END);
    user->user = 1000;
    other->user = 1001;
    struct caller caller = as(user);
    assert_false(program_may_signal(&caller, root, 15));
    assert_false(program_may_signal(&caller, other, 15));
    assert_true(program_may_signal(&caller, user, 15));
    other->session = user->session;
    assert_true(program_may_signal(&caller, other, 18));
    caller = as(root);
    assert_true(program_may_signal(&caller, user, 15));
    assert_true(program_may_signal(&service, user, 15));
}

// A ^C while a program is being made: the maker has not said yet that it is to ignore it.
static void test_signals_before_the_start(void **state) {
    (void)state;
    struct program *maker = make(&service), *child;
    struct caller caller = as(maker);
    assert_int_equal(program_allocate(table, &caller, &child), ERR_OK);
    assert_int_equal(program_early_end(child), 0);
    program_signal_early(child, SIGNAL_INTERRUPT);
    assert_int_equal(child->state, TASK_STATE_EMPTY);
    assert_int_equal(program_early_end(child), SIGNAL_INTERRUPT);
    child->ignored = 1 << (SIGNAL_INTERRUPT - 1);
    assert_int_equal(program_early_end(child), 0);
    program_signal_early(child, SIGNAL_CHILD); // nothing by default
    program_signal_early(child, SIGNAL_TERMINAL_STOP);
    assert_int_equal(program_early_end(child), 0);
    assert_true(child->early >> (SIGNAL_TERMINAL_STOP - 1) & 1);
    program_signal_early(child, SIGNAL_CONTINUE_NUMBER);
    assert_false(child->early >> (SIGNAL_TERMINAL_STOP - 1) & 1);
    program_signal_early(child, SIGNAL_KILL);
    assert_int_equal(program_early_end(child), SIGNAL_KILL);
    program_free(child);
    assert_int_equal(program_allocate(table, &caller, &child), ERR_OK);
    assert_int_equal(child->early, 0);
}

static void test_reopen(void **state) {
    (void)state;
    uint32_t id = make(&service)->id;
    assert_true(program_table_open(table));
    assert_non_null(program_find(table, id));
    table->version++;
    assert_false(program_table_open(table));
    assert_null(program_find(table, id));
}

int main(void) {
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
    const struct CMUnitTest tests[] = {TEST(test_family),       TEST(test_full),    TEST(test_wait),
                                       TEST(test_wait_stopped), TEST(test_groups),  TEST(test_sessions),
                                       TEST(test_names),        TEST(test_signals), TEST(test_signals_before_the_start),
                                       TEST(test_reopen)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
