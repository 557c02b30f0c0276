// The compiler's limits, and POSIX's.
#pragma once

#include_next <limits.h>

#define SSIZE_MAX       LONG_MAX
#define PATH_MAX        4096 // bytes, with the NUL
#define NAME_MAX        255  // bytes, without the NUL
#define PIPE_BUF        4096
#define OPEN_MAX        256
#define ARG_MAX         131072
#define LINK_MAX        32000
#define SYMLOOP_MAX     40
#define IOV_MAX         64
#define HOST_NAME_MAX   64
#define LOGIN_NAME_MAX  32
#define TTY_NAME_MAX    32
#define LINE_MAX        4096
#define RE_DUP_MAX      255
#define NGROUPS_MAX     16
#define NL_ARGMAX       9
#define CHILD_MAX       256
#define _POSIX_PATH_MAX 256
#undef MB_LEN_MAX
#define MB_LEN_MAX 4
