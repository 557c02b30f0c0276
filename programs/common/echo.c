// echo: -n leaves the newline out, -e interprets backslash escapes, -E does not.
#include <stdbool.h>
#include <string.h>

#include "programs/common/escape.h"
#include "programs/common/text_commands.h"

int echo_run(int argc, char **argv, struct buffer *out) {
    bool newline = true, escapes = false;
    int index = 1;
    for (; index < argc && argv[index][0] == '-' && argv[index][1]; index++) {
        const char *letters = argv[index] + 1;
        if (strspn(letters, "neE") != strlen(letters))
            break;
        for (; *letters; letters++) {
            if (*letters == 'n')
                newline = false;
            else
                escapes = *letters == 'e';
        }
    }
    for (int i = index; i < argc; i++) {
        if (i > index)
            buffer_append_byte(out, ' ');
        if (!escapes)
            buffer_append_text(out, argv[i]);
        else if (!escape_decode(out, argv[i], strlen(argv[i]), ESCAPE_ECHO))
            return 0;
    }
    if (newline)
        buffer_append_byte(out, '\n');
    return 0;
}
