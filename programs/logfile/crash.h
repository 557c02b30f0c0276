// Crash reports among the lines of the log (servers/init/crash.h) become files in /var/log/crash, and are
// shown on the console. Called by main.c with each line of init, in their order.
#pragma once

#include <stddef.h>

#define CRASH_FOLDER "/var/log/crash"

// `time`: for people.
void crash_line(const char *time, const char *text, size_t length);
