// regerror: the sentences for what regcomp and regexec return.
#include <string.h>

#include "libc/internal/regex.h"

static const char *const sentences[] = {
    [0] = "success",
    [REG_NOMATCH] = "no match",
    [REG_BADPAT] = "invalid regular expression",
    [REG_ECOLLATE] = "invalid collating element",
    [REG_ECTYPE] = "invalid character class",
    [REG_EESCAPE] = "backslash at the end",
    [REG_ESUBREG] = "back-references are not supported",
    [REG_EBRACK] = "unmatched [",
    [REG_EPAREN] = "unmatched ( or )",
    [REG_EBRACE] = "unmatched {",
    [REG_BADBR] = "invalid number of repetitions",
    [REG_ERANGE] = "invalid range",
    [REG_ESPACE] = "regular expression too big",
    [REG_BADRPT] = "nothing to repeat",
};

size_t regerror(int error, const regex_t *regex, char *buffer, size_t size) {
    (void)regex;
    const char *sentence = "unknown error";
    if (error >= 0 && (size_t)error < sizeof sentences / sizeof sentences[0])
        sentence = sentences[error];
    return strlcpy(buffer, sentence, size) + 1;
}
