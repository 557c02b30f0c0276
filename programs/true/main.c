// true: succeeds.
#include "programs/common/program.h"

int main(int argc, char **argv) {
    program_start(argc, argv, "", "");
    return 0;
}
