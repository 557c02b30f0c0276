// The kernel's log ring: order, loss of the oldest, cutting, and what reaches the console.
#include <stdio.h>
#include <string.h>

#include "kernel/debug/log.h"
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

uint64_t log_clock(void) {
    return now;
}

static void records_come_back_in_order(void **state) {
    (void)state;
    struct log_record record;
    char text[LOG_TEXT_BYTES];
    uint64_t sequence = 0;
    assert_false(log_read(&sequence, &record, text, sizeof text));
    now = 1500002000;
    log_write(LOG_WARNING, "first %d", 1);
    log_write(LOG_DEBUG, "second");
    assert_string_equal(shown, "[    1.500002] warning: first 1\n"); // debug is kept, not shown
    assert_true(log_read(&sequence, &record, text, sizeof text));
    assert_string_equal(text, "first 1");
    assert_int_equal(record.level, LOG_WARNING);
    assert_int_equal(record.time, now);
    assert_true(log_read(&sequence, &record, text, 4));
    assert_string_equal(text, "sec");
    assert_int_equal(record.length, 6);
    assert_false(log_read(&sequence, &record, text, sizeof text));
    assert_int_equal(sequence, 2);
}

static void oldest_records_are_lost_first(void **state) {
    (void)state;
    struct log_record record;
    char text[LOG_TEXT_BYTES], expected[LOG_TEXT_BYTES];
    log_set_console_level(LOG_ERROR);
    char dashes[301] = "";
    for (int i = 2; i < 5000; i++) {
        memset(dashes, '-', sizeof dashes);
        dashes[i % 300] = '\0'; // longer than a record can be, sometimes
        log_write(LOG_INFO, "%d %s", i, dashes);
    }
    uint64_t sequence = 0, count = 0;
    while (log_read(&sequence, &record, text, sizeof text)) {
        assert_int_equal(record.sequence, sequence - 1);
        snprintf(expected, sizeof expected, "%d ", (int)record.sequence);
        assert_memory_equal(text, expected, strlen(expected));
        assert_int_equal(strlen(text), record.length);
        assert_true(record.length < LOG_TEXT_BYTES);
        count++;
    }
    assert_int_equal(sequence, 5000);
    assert_in_range(count, 65536 / (LOG_TEXT_BYTES + sizeof record), 65536 / sizeof record);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_come_back_in_order),
        cmocka_unit_test(oldest_records_are_lost_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
