// In libc_general there is no floating point, so such a conversion matches nothing.
#include "libc/internal/scan.h"

enum scan_result scan_float(struct scan_source *source, const struct scan_spec *spec, struct scan_arguments *arguments) {
    (void)source;
    (void)spec;
    (void)arguments;
    return SCAN_MISMATCH;
}
