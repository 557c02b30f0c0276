// major() and minor() of a device number, wherever the system declares them; without, the split that Linux
// uses.
#pragma once

#include <sys/types.h>

#if __has_include(<sys/sysmacros.h>)
#include <sys/sysmacros.h>
#endif

#ifndef major
#define major(device) ((unsigned)((device) >> 8) & 0xfff)
#define minor(device) ((unsigned)((device)&0xff))
#endif
