// Names of signals.
#pragma once

// Signals are numbered below this.
#define SIGNAL_COUNT 32

// SIGINT, INT or 2 to a number; EXIT is 0. -1 if there is no such signal.
int signal_parse(const char *text);

// INT for 2; the number itself where there is no name. Lasts until the next call.
const char *signal_name(int signal);
