// Shell patterns against names (POSIX <fnmatch.h>, XCU 2.13).
#pragma once

#define FNM_PATHNAME 1 // a slash is matched by a slash only
#define FNM_NOESCAPE 2
#define FNM_PERIOD   4 // a leading period is matched by a period only
#define FNM_CASEFOLD 16
#define FNM_NOMATCH  1

int fnmatch(const char *pattern, const char *string, int flags);
