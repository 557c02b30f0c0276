// The process's file mode creation mask, which umask() sets: applied here, so that servers see final modes.
#pragma once

#include <sys/types.h>

mode_t mode_masked(mode_t mode);
