// clear: empties the terminal's screen and its scrollback and puts the cursor in the corner.
#include <stdio.h>

#include "programs/common/program.h"

int main(int argc, char **argv) {
    program_start(argc, argv, "", "");
    program_option("");
    fputs("\033[H\033[2J\033[3J", stdout);
    return program_end(0);
}
