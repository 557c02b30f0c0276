// A role that calls the worked examples, counter and rtc, kills their servers in between, and says in the log
// whether all went as their pages promise. Started by tests/guest/test_example.py from an initrd of its own.
#include <stdbool.h>
#include <string.h>

#include "drivers/framework/report.h"
#include "libipc/protocols/counter.h"
#include "libipc/protocols/rtc.h"
#include "libipc/protocols/service.h"
#include "libipc/start/start.h"

enum { ROUNDS = 20, SECONDS_OF_DAY = 86400 };

static cap_t counter_session, rtc_session, service_session;

int server_main(const struct startup *startup);

static bool failed(const char *what, error_t error) {
    struct text text = {0};
    text_add(&text, "failed: ");
    text_add(&text, what);
    text_add(&text, ", error ");
    text_add_number(&text, (uint64_t)(int64_t)-error);
    report(REPORT_ERROR, &text);
    return false;
}

static bool try_echo(void) {
    char answer[16];
    uint64_t count = 0;
    error_t error = counter_echo(counter_session, "keel, son", 9, answer, sizeof(answer), &count);
    return error == ERR_OK && count == 9 && memcmp(answer, "KEEL, SON", 9) == 0 ? true : failed("echo", error);
}

// Every addition counts once, and none is forgotten, though the server dies before each.
static bool try_counter(void) {
    uint64_t value = 0, expected = 0;
    for (uint64_t i = 1; i <= ROUNDS; i++) {
        error_t error = service_kill(service_session, "counter", 7);
        if (error != ERR_OK)
            return failed("killing counter", error);
        expected += i;
        error = counter_add(counter_session, i, &value);
        if (error != ERR_OK || value != expected)
            return failed("add", error);
    }
    error_t error = counter_wait(counter_session, expected, &value);
    if (error != ERR_OK || value != expected)
        return failed("wait", error);
    error = counter_add(counter_session, UINT64_MAX, &value);
    return error == ERR_OVERFLOW ? true : failed("an addition that must not fit", error);
}

static uint32_t second_of_day(const struct rtc_time *time) {
    return (uint32_t)time->hour * 3600 + (uint32_t)time->minute * 60 + time->second;
}

// Two changes of the second lie one second apart; the driver comes back after a kill.
static bool try_rtc(void) {
    struct rtc_time before, after;
    error_t error = rtc_time(rtc_session, &before);
    if (error != ERR_OK)
        return failed("time", error);
    error = rtc_next_second(rtc_session, &before);
    if (error == ERR_OK)
        error = rtc_next_second(rtc_session, &after);
    if (error != ERR_OK)
        return failed("next second", error);
    if ((second_of_day(&before) + 1) % SECONDS_OF_DAY != second_of_day(&after))
        return failed("a second is not a second", ERR_OK);
    error = service_kill(service_session, "rtc", 3);
    if (error == ERR_OK)
        error = rtc_next_second(rtc_session, &after);
    return error == ERR_OK ? true : failed("next second after a kill", error);
}

int server_main(const struct startup *startup) {
    report_set_name(startup->name);
    counter_session = startup_capability("counter");
    rtc_session = startup_capability("rtc");
    service_session = startup_capability("service");
    if (try_echo() && try_counter() && try_rtc())
        report_line(REPORT_INFORMATION, "the examples work");
    (void)service_power(service_session, 0);
    return 0;
}
