// In libc_general there is no floating point: its callers have no floating-point registers, so they can't
// pass such an argument. A format that asks for one is shown as it stands.
#include "libc/internal/format.h"

void format_float(struct format_sink *sink, const struct format_spec *spec, struct format_arguments *arguments) {
    (void)arguments;
    format_bytes(sink, "%", 1);
    format_bytes(sink, &spec->conversion, 1);
}
