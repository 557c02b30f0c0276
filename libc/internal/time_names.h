// The names of days and months in the one locale that there is.
#pragma once

extern const char *const time_day_names[7];
extern const char *const time_month_names[12];
