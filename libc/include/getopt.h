// Options of a command line: getopt (POSIX) and getopt_long (as GNU's). Arguments are permuted, so that
// options may follow operands, unless POSIXLY_CORRECT is set or the option string begins with '+'; with '-'
// operands are returned as option 1.
#pragma once

struct option {
    const char *name;
    int has_arg; // no_argument, required_argument or optional_argument
    int *flag;   // where val is stored; if null, val is returned
    int val;
};

enum { no_argument = 0, required_argument = 1, optional_argument = 2 };

extern char *optarg;
extern int optind, opterr, optopt;

int getopt(int argc, char *const argv[], const char *options);
int getopt_long(int argc, char *const argv[], const char *options, const struct option *long_options, int *index);
