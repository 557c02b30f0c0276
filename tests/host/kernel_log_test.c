// The kernel's log ring: order, loss of the oldest, cutting, and what reaches the console.
#include <stdio.h>
#include <string.h>

#include "kernel/debug/log.h"
#include "kernel/x86_64/clock.h"
#include "kernel/x86_64/early_console.h"
#include "tests/host/cmocka_test.h"

static char shown[65536 * 4];
static size_t shown_length;
static uint64_t now;

void early_console_write(const char *text, size_t length) {
    assert_true(shown_length + length < sizeof shown);
    memcpy(shown + shown_length, text, length);
    shown_length += length;
    shown[shown_length] = '\0';
}

uint64_t clock_now(void) {
    return now;
}

static void records_come_back_in_order(void **state) {
    (void)state;
    assert_null(log_read(0));
    now = 1500002000;
    log_write(LOG_WARNING, "first %d", 1);
    log_write(LOG_DEBUG, "second");
    assert_string_equal(shown, "[    1.500002] warning: first 1\n"); // debug is kept, not shown
    const struct log_record *record = log_read(0);
    assert_string_equal(record->text, "first 1");
    assert_int_equal(record->length, 7);
    assert_int_equal(record->level, LOG_WARNING);
    assert_int_equal(record->time, now);
    record = log_read(record->sequence + 1);
    assert_string_equal(record->text, "second");
    assert_null(log_read(2));
}

static void oldest_records_are_lost_first(void **state) {
    (void)state;
    char expected[LOG_TEXT_BYTES], dashes[301] = "";
    log_start(LOG_ERROR);
    for (int i = 2; i < 5000; i++) {
        memset(dashes, '-', sizeof dashes);
        dashes[i % 300] = '\0'; // longer than a record can be, sometimes
        log_write(LOG_INFO, "%d %s", i, dashes);
    }
    uint64_t sequence = 0, count = 0;
    for (const struct log_record *record; (record = log_read(sequence)); sequence = record->sequence + 1) {
        snprintf(expected, sizeof expected, "%d ", (int)record->sequence);
        assert_memory_equal(record->text, expected, strlen(expected));
        assert_int_equal(strlen(record->text), record->length);
        assert_true(count == 0 || record->sequence == sequence);
        count++;
    }
    assert_int_equal(sequence, 5000);
    assert_int_equal(count, 512);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_come_back_in_order),
        cmocka_unit_test(oldest_records_are_lost_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
