// cp: copies files, and trees with -r.
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "programs/common/copy.h"
#include "programs/common/files.h"
#include "programs/common/program.h"

int main(int argc, char **argv) {
    program_start(argc, argv, "[-rpifvdaP] SOURCE... TARGET",
                  "  -r  directories with everything below (also -R)\n"
                  "  -p  keep mode, owner and times\n"
                  "  -i  ask before overwriting\n"
                  "  -f  replace what can't be overwritten\n"
                  "  -d  copy links as links (also -P)\n"
                  "  -a  -r, -p and -d together\n"
                  "  -v  name what is copied\n");
    struct copy_options options = {0};
    for (int option; (option = program_option("rRpifvdPa")) != -1;) {
        options.recursive |= option == 'r' || option == 'R' || option == 'a';
        options.preserve |= option == 'p' || option == 'a';
        options.links |= option == 'd' || option == 'P' || option == 'a';
        options.verbose |= option == 'v';
        options.force |= option == 'f';
        options.ask |= option == 'i';
    }
    int count = program_operand_count;
    if (count < 2)
        program_usage_error("source and target needed");
    // With -r links are followed only where nothing says otherwise: a named link to a tree means the link.
    options.links |= options.recursive;
    const char *target = program_operands[count - 1];
    struct stat info;
    bool into = stat(target, &info) == 0 && S_ISDIR(info.st_mode);
    if (!into && count > 2)
        program_fail(target, "is not a directory");
    bool done = true;
    for (int i = 0; i < count - 1; i++) {
        char *base = path_base(program_operands[i]);
        char *path = into ? path_join(target, base) : string_copy(target);
        done &= copy_path(program_operands[i], path, &options);
        free(path);
        free(base);
    }
    return program_end(!done);
}
