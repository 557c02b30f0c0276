// See services.h. Lines: NAME PORT/PROTOCOL ALIAS..., a `#` begins a comment.
#include "libc/socket/services.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_named(const char *wanted, const char *name, char *aliases) {
    const char *alias;
    if (strcmp(name, wanted) == 0)
        return true;
    while ((alias = strtok_r(aliases, " \t", &aliases)) != NULL)
        if (strcmp(alias, wanted) == 0)
            return true;
    return false;
}

static bool line_fits(char *line, const char *wanted, const char *protocol, uint16_t *port, char *text, size_t size) {
    char *rest = line, *end;
    line[strcspn(line, "#\r\n")] = '\0';
    const char *name = strtok_r(rest, " \t", &rest), *number = strtok_r(rest, " \t", &rest);
    if (name == NULL || number == NULL)
        return false;
    unsigned long value = strtoul(number, &end, 10);
    if (value > UINT16_MAX || end == number || *end != '/' || strcmp(end + 1, protocol) != 0)
        return false;
    if (wanted != NULL ? !is_named(wanted, name, rest) : *port != value)
        return false;
    *port = (uint16_t)value;
    if (text != NULL)
        snprintf(text, size, "%s", name);
    return true;
}

bool service_find(const char *name, const char *protocol, uint16_t *port, char *text, size_t size) {
    FILE *file = fopen("/etc/services", "r");
    char line[256];
    bool found = false;
    while (file != NULL && !found && fgets(line, sizeof(line), file) != NULL)
        found = line_fits(line, name, protocol, port, text, size);
    if (file != NULL)
        fclose(file);
    return found;
}
