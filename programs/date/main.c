// date: prints or sets the time of day.
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "programs/common/program.h"

// @SECONDS, or YYYY-MM-DD with an optional hh:mm or hh:mm:ss, in local time.
static time_t time_parse(const char *text) {
    if (*text == '@')
        return (time_t)number_parse(text + 1, "time");
    struct tm parts = {.tm_isdst = -1, .tm_mday = 1};
    int year, month, used = 0;
    if (sscanf(text, "%4d-%2d-%2d%n", &year, &month, &parts.tm_mday, &used) != 3)
        program_usage_error("not a time: %s", text);
    text += used;
    if (*text) {
        used = 0;
        if (sscanf(text, "%*1[ T]%2d:%2d%n", &parts.tm_hour, &parts.tm_min, &used) != 2)
            program_usage_error("not a time: %s", text);
        text += used;
        used = 0;
        if (*text && (sscanf(text, ":%2d%n", &parts.tm_sec, &used) != 1 || text[used]))
            program_usage_error("not a time: %s", text);
    }
    parts.tm_year = year - 1900;
    parts.tm_mon = month - 1;
    return mktime(&parts);
}

int main(int argc, char **argv) {
    program_start(argc, argv, "[-u] [-d TIME | -r FILE | -s TIME] [+FORMAT]",
                  "  -u  in universal time            -d  this time instead of now\n"
                  "  -r  when the file was changed    -s  set the clock\n"
                  "TIME is @SECONDS or YYYY-MM-DD [hh:mm[:ss]]. FORMAT is strftime's: %Y-%m-%d %H:%M:%S and so on.\n");
    bool utc = false, set = false;
    const char *given = NULL, *file = NULL;
    for (int option; (option = program_option("ud:r:s:")) != -1;) {
        utc |= option == 'u';
        set |= option == 's';
        if (option == 'd' || option == 's')
            given = program_argument;
        if (option == 'r')
            file = program_argument;
    }
    if (utc)
        setenv("TZ", "UTC0", 1);
    time_t when = time(NULL);
    if (given)
        when = time_parse(given);
    if (file) {
        struct stat info;
        if (stat(file, &info) != 0)
            program_fail(file, "%s", error_text(errno));
        when = info.st_mtim.tv_sec;
    }
    struct timespec now = {.tv_sec = when};
    if (set && clock_settime(CLOCK_REALTIME, &now) != 0)
        program_fail("clock", "%s", error_text(errno));
    const char *format = "%a %b %e %H:%M:%S %Z %Y";
    if (program_operand_count > 1 || (program_operand_count && program_operands[0][0] != '+'))
        program_usage_error("unexpected: %s", program_operands[program_operand_count - 1]);
    if (program_operand_count)
        format = program_operands[0] + 1;
    const struct tm *parts = localtime(&when);
    char text[1024];
    if (!parts)
        program_fail(given, "outside of the calendar");
    text[0] = 0;
    // A result of 0 is an error only if something was to be printed.
    if (*format && !strftime(text, sizeof(text), format, parts) && strcmp(format, "%p") != 0)
        program_fail(format, "too long");
    puts(text);
    return program_end(0);
}
