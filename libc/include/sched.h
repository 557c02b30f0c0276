// Giving the processor away (POSIX <sched.h>).
#pragma once

int sched_yield(void);
