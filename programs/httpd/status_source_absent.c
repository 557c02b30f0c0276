// See status_source.h: on the host there are no roles.
#include "programs/httpd/status_source.h"

bool status_machine_read(struct status_machine *machine) {
    (void)machine;
    return false;
}

bool status_role_next(uint64_t *cursor, struct status_role *role) {
    (void)cursor;
    (void)role;
    return false;
}
