// See pic.h: the four initialization words, and the masks.
#include "boot/loader/pic.h"

#include "kernel/x86_64/registers.h"
#include "kernel/x86_64/vectors.h"

enum { FIRST_COMMAND = 0x20, FIRST_DATA = 0x21, SECOND_COMMAND = 0xa0, SECOND_DATA = 0xa1 };
enum { INITIALIZE = 0x11, CASCADE = 2, MODE_8086 = 0x01, MASK_ALL = 0xff };

void pic_initialize(void) {
    port_write8(FIRST_COMMAND, INITIALIZE);
    port_write8(SECOND_COMMAND, INITIALIZE);
    port_write8(FIRST_DATA, VECTOR_ISA);
    port_write8(SECOND_DATA, VECTOR_ISA + 8);
    port_write8(FIRST_DATA, 1 << CASCADE);
    port_write8(SECOND_DATA, CASCADE);
    port_write8(FIRST_DATA, MODE_8086);
    port_write8(SECOND_DATA, MODE_8086);
    port_write8(FIRST_DATA, MASK_ALL);
    port_write8(SECOND_DATA, MASK_ALL);
}
