// The one case that needs the first process's capabilities.
#pragma once

#include "programs/ipcbench/suite.h"

extern const struct bench_case bench_interrupt_case;
