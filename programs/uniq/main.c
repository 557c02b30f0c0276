// uniq: prints lines without the repetitions that follow them.
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "programs/common/files.h"
#include "programs/common/lines.h"
#include "programs/common/program.h"

static bool show_counts, only_repeated, only_single, ignore_case;

static void line_print(const char *line, unsigned long count) {
    if ((only_repeated && count < 2) || (only_single && count > 1))
        return;
    if (show_counts)
        printf("%7lu ", count);
    puts(line);
}

int main(int argc, char **argv) {
    program_start(argc, argv, "[-cdui] [INPUT [OUTPUT]]",
                  "  -c  how often each line came       -d  only lines that are repeated\n"
                  "  -u  only lines that are not        -i  ignore case\n");
    for (int option; (option = program_option("cdui")) != -1;) {
        show_counts |= option == 'c';
        only_repeated |= option == 'd';
        only_single |= option == 'u';
        ignore_case |= option == 'i';
    }
    if (program_operand_count > 2)
        program_usage_error("unexpected: %s", program_operands[2]);
    int descriptor = operand_open(program_operand_count ? program_operands[0] : "-");
    if (descriptor < 0)
        return 1;
    if (program_operand_count == 2 && !freopen(program_operands[1], "w", stdout))
        program_fail(program_operands[1], "%s", error_text(errno));
    struct line_reader reader;
    line_reader_init(&reader, descriptor);
    char *last = NULL, *line;
    unsigned long count = 0;
    size_t length;
    while ((line = line_reader_next(&reader, &length))) {
        bool same = last && (ignore_case ? strcasecmp(last, line) : strcmp(last, line)) == 0;
        if (!same) {
            if (last)
                line_print(last, count);
            free(last);
            last = string_copy(line);
            count = 0;
        }
        count++;
    }
    if (last)
        line_print(last, count);
    free(last);
    int status = reader.failed;
    if (reader.failed)
        program_errno(program_operand_count ? program_operands[0] : "standard input");
    line_reader_free(&reader);
    return program_end(status);
}
