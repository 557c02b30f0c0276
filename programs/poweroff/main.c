// poweroff: switches the machine off, after everything was written to the disks.
#include <errno.h>
#include <stdio.h>
#include <sys/reboot.h>
#include <unistd.h>

#include "programs/common/program.h"

int main(int argc, char **argv) {
    program_start(argc, argv, "", "");
    program_option("");
    if (program_operand_count)
        program_usage_error("unexpected: %s", program_operands[0]);
    sync();
    reboot(RB_POWER_OFF);
    program_fail(NULL, "%s", error_text(errno));
}
