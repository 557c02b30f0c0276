// Which programs inherit a privileged capability. Names with a dot (`net.admin`) are such: they go on to the
// programs that /etc/grants names and to no other; decision 18. For spawn.c.
#pragma once

#include <stdbool.h>

// Whether `program`, as it was named to the system, inherits `capability`. Without /etc/grants nobody does.
bool grant_allows(const char *capability, const char *program);
