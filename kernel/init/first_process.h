// The first process, init: loaded from the initrd, with capabilities to all that the kernel has to give.
#pragma once

#include "kernel/abi/boot_info.h"

void first_process_start(const struct boot_info *info);
