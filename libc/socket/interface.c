// Interfaces by name and by number.
#include <net/if.h>
#include <string.h>

#include "libc/internal/result.h"
#include "libc/internal/system.h"

unsigned if_nametoindex(const char *name) {
    char copy[IF_NAMESIZE] = "";
    unsigned index = 0;
    strncpy(copy, name, IF_NAMESIZE - 1);
    error_t error = system_interface(&index, copy);
    if (error != ERR_OK)
        result_of(error);
    return index;
}

char *if_indextoname(unsigned index, char *name) {
    error_t error = index != 0 ? system_interface(&index, name) : ERR_NO_DEVICE;
    if (error == ERR_OK)
        return name;
    result_of(ERR_NO_DEVICE_ADDRESS);
    return NULL;
}
