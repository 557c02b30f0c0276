// The library's table; see width.h. Host tests build the same table under another name.
#include "servers/console/engine/width.h"

#include <wchar.h>

int wcwidth(wchar_t character);

int character_width(uint32_t character) {
    return wcwidth((wchar_t)character);
}
