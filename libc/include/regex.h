// POSIX regular expressions, basic and extended (XBD 9). Matching takes time linear in the text, whatever the
// pattern; so back-references, which forbid that, are refused by regcomp with REG_ESUBREG.
#pragma once

#include <stddef.h>
#include <sys/types.h>

typedef ssize_t regoff_t;

typedef struct {
    size_t re_nsub; // parenthesised subexpressions
    struct __regex *program;
} regex_t;

typedef struct {
    regoff_t rm_so, rm_eo; // byte offsets from the string's start; -1 if the subexpression took no part
} regmatch_t;

#define REG_EXTENDED 1
#define REG_ICASE    2
#define REG_NEWLINE  4
#define REG_NOSUB    8

#define REG_NOTBOL   1
#define REG_NOTEOL   2
#define REG_STARTEND 4 // the text is the bytes from rm_so to rm_eo of match[0], and may hold NULs

enum {
    REG_NOMATCH = 1,
    REG_BADPAT,
    REG_ECOLLATE,
    REG_ECTYPE,
    REG_EESCAPE,
    REG_ESUBREG,
    REG_EBRACK,
    REG_EPAREN,
    REG_EBRACE,
    REG_BADBR,
    REG_ERANGE,
    REG_ESPACE,
    REG_BADRPT,
};

int regcomp(regex_t *regex, const char *pattern, int flags);
int regexec(const regex_t *regex, const char *string, size_t count, regmatch_t match[], int flags);
size_t regerror(int error, const regex_t *regex, char *buffer, size_t size);
void regfree(regex_t *regex);
