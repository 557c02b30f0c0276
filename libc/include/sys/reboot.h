// Ending the machine's run. Open files are written back first by the caller's sync().
#pragma once

#define RB_AUTOBOOT    0x01234567
#define RB_POWER_OFF   0x4321fedc
#define RB_HALT_SYSTEM 0xcdef0123

int reboot(unsigned how);
